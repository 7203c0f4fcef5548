// mailauth (postalsys, of npm) on the cases of dmarc_tool, by RFC 9989:
//	node dmarc_mailauth.js FOLDER_OF_MAILAUTH < cases
// prints "result disposition" for each.
'use strict';
const path = require('node:path');
const verify = require(path.join(process.argv[2], 'lib/dmarc/verify.js'));

const failure = code => Object.assign(new Error(code), { code });

const world = () => ({ txt: new Map(), have: new Set(), failing: new Set(), authors: [], spf: [], dkim: [] });

const resolver = w => async (name, type) => {
    name = name.toLowerCase();
    if (type === 'TXT' && w.txt.has(name)) {
        return w.txt.get(name).map(text => [text]);
    }
    if (w.have.has(type + ' ' + name)) {
        return [type === 'MX' ? { priority: 10, exchange: 'mx.example' } : '192.0.2.1'];
    }
    if (w.failing.has(name)) {
        throw failure('ESERVFAIL');
    }
    const names = [...w.txt.keys(), ...w.failing, ...[...w.have].map(h => h.split(' ')[1])];
    throw failure(names.some(n => n === name || n.endsWith('.' + name)) ? 'ENODATA' : 'ENOTFOUND');
};

const judge = async w => {
    const got = await verify({
        headerFrom: w.authors.map(a => 'user@' + a),
        spfDomains: w.spf.map(domain => ({ domain })),
        dkimDomains: w.dkim.map(domain => ({ domain })),
        resolver: resolver(w)
    });
    if (!got) {
        return 'refused none';
    }
    return got.status.result + ' ' + (got.status.result === 'fail' ? got.policy : 'none');
};

const main = async text => {
    let w = world();
    for (const line of text.split('\n')) {
        const [word, name, hex] = line.split(' ');
        if (word === 'txt') {
            w.txt.set(name, [...(w.txt.get(name) || []), Buffer.from(hex || '', 'hex').toString('latin1')]);
        } else if (word === 'a' || word === 'mx') {
            w.have.add(word.toUpperCase() + ' ' + name);
        } else if (word === 'fail') {
            w.failing.add(name);
        } else if (word === 'author') {
            w.authors.push(name);
        } else if (word === 'spf' || word === 'dkim') {
            w[word].push(name);
        } else if (word === 'go') {
            process.stdout.write((await judge(w)) + '\n');
            w = world();
        }
    }
};

let text = '';
process.stdin.setEncoding('utf8').on('data', d => (text += d)).on('end', () => main(text));
