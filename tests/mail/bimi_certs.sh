#!/bin/sh
# The certificates of bimi_certs.h, in the folder that is named: bimi_certs.sh FOLDER
set -e
cd "$1"
SVG='<svg version="1.2" baseProfile="tiny-ps" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><title>Example</title><rect width="10" height="10" fill="#c00"/></svg>'
printf '%s' "$SVG" > mark.svg
gzip -9nc mark.svg > mark.svgz
cat > mk.py <<'PY'
import hashlib, base64, sys
def tlv(t,*c):
    b=b"".join(c); n=len(b)
    l=bytes([n]) if n<128 else (lambda x: bytes([0x80|len(x)])+x)(n.to_bytes((n.bit_length()+7)//8,"big"))
    return bytes([t])+l+b
def logo(data, media=b"image/svg+xml", good=True):
    sha=bytes.fromhex("608648016503040201")
    h=tlv(0x30,tlv(0x30,tlv(0x06,sha)),tlv(0x04,hashlib.sha256(data if good else b"x").digest()))
    det=tlv(0x30,tlv(0x16,media),tlv(0x30,h),tlv(0x30,tlv(0x16,b"data:image/svg+xml;base64,"+base64.b64encode(data))))
    return tlv(0x30,tlv(0xa2,tlv(0xa0,tlv(0x30,tlv(0x30,det)))))
z=open("mark.svgz","rb").read(); p=open("mark.svg","rb").read()
open("logo.hex","w").write(":".join("%02x"%b for b in logo(z)))
open("plain.hex","w").write(":".join("%02x"%b for b in logo(p)))
open("png.hex","w").write(":".join("%02x"%b for b in logo(p,b"image/png")))
PY
python3 mk.py
openssl genrsa -out root.key 2048 2>/dev/null
openssl req -x509 -new -key root.key -sha256 -subj "/O=Test/CN=Mark Root" -out root.pem -not_before 20200101000000Z -not_after 20491231235959Z 2>/dev/null || openssl req -x509 -new -key root.key -sha256 -subj "/O=Test/CN=Mark Root" -out root.pem -days 8000
openssl ecparam -name secp384r1 -genkey -noout -out int.key
openssl ecparam -name prime256v1 -genkey -noout -out leaf.key
cat > ca.cnf <<C
[int]
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign
[leaf]
basicConstraints=critical,CA:FALSE
extendedKeyUsage=1.3.6.1.5.5.7.3.31
subjectAltName=DNS:example.com,DNS:default._bimi.example.org
1.3.6.1.5.5.7.1.12=DER:$(cat logo.hex)
[plain]
extendedKeyUsage=1.3.6.1.5.5.7.3.31
subjectAltName=DNS:example.com
1.3.6.1.5.5.7.1.12=DER:$(cat plain.hex)
[png]
extendedKeyUsage=1.3.6.1.5.5.7.3.31
subjectAltName=DNS:example.com
1.3.6.1.5.5.7.1.12=DER:$(cat png.hex)
[web]
extendedKeyUsage=serverAuth
subjectAltName=DNS:example.com
[broken]
extendedKeyUsage=1.3.6.1.5.5.7.3.31
subjectAltName=DNS:example.com
1.3.6.1.5.5.7.1.12=DER:30:03:a2:01:00
[odd]
extendedKeyUsage=1.3.6.1.5.5.7.3.31
subjectAltName=DNS:example.com
1.3.6.1.4.1.11129.2.4.3=critical,DER:05:00
1.3.6.1.5.5.7.1.12=DER:$(cat logo.hex)
C
cat > oids.cnf <<C
oid_section=o
[o]
markType=1.3.6.1.4.1.53087.1.13
[req]
distinguished_name=dn
[dn]
C
openssl req -new -key int.key -subj "/O=Test/CN=Mark CA" -out int.csr
openssl x509 -req -in int.csr -CA root.pem -CAkey root.key -set_serial 2 -days 7900 -sha256 -extfile ca.cnf -extensions int -out int.pem 2>/dev/null
openssl req -new -config oids.cnf -key leaf.key -subj "/O=Example KK/markType=Registered Mark/CN=example.com" -out leaf.csr
for e in leaf web odd png broken; do openssl x509 -req -in leaf.csr -CA int.pem -CAkey int.key -set_serial 3 -days 7000 -sha384 -extfile ca.cnf -extensions $e -out $e.pem 2>/dev/null; done
openssl x509 -req -in leaf.csr -CA root.pem -CAkey root.key -set_serial 3 -days 7000 -sha512 -extfile ca.cnf -extensions plain -out plain.pem 2>/dev/null
openssl x509 -req -in leaf.csr -CA root.pem -CAkey root.key -set_serial 3 -days 7000 -sha384 -extfile ca.cnf -extensions plain -out rsa384.pem 2>/dev/null
openssl x509 -req -in leaf.csr -CA leaf.pem -CAkey leaf.key -set_serial 4 -days 6900 -sha256 -extfile ca.cnf -extensions leaf -out sub.pem 2>/dev/null
openssl verify -CAfile root.pem -untrusted int.pem leaf.pem
ls -la *.pem
