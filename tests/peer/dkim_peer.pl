# Mail::DKIM as a peer of tests/peer/test_dkim.py and test_arc.py:
#	verify RECORDS FILE…			a line a file: its name, the result of each signature
#	sign KEY ALG DOMAIN SELECTOR CANON OUTDIR FILE…
#	arc-verify RECORDS FILE…			a line a file: its name, the result
#	arc-seal KEY DOMAIN SELECTOR ID OUTDIR FILE…	the chain's state is that of ID's results
use strict;
use warnings;
use Mail::DKIM::Verifier;
use Mail::DKIM::Signer;
use Mail::DKIM::Signature;
use Mail::DKIM::ARC::Verifier;
use Mail::DKIM::ARC::Signer;
use Mail::DKIM::DNS;
use Mail::DKIM::PrivateKey;
use Net::DNS;

package Records;

# A resolver out of a file: all that Mail::DKIM asks of one.
sub new {
	my ($class, $path) = @_;
	my %records;
	open(my $f, '<', $path) or die "$path: $!";
	while (<$f>) {
		chomp;
		my ($name, $text) = split(/ /, $_, 2);
		push(@{$records{lc $name}}, $text);
	}
	return bless({ records => \%records }, $class);
}

sub send {
	my ($self, $name, $type) = @_;
	my $packet = Net::DNS::Packet->new($name, $type);
	$packet->header->rcode('NOERROR');
	for my $text (@{$self->{records}{lc $name} || []}) {
		my @strings = unpack('(a255)*', $text);
		$packet->push(answer => Net::DNS::RR->new(name => $name, type => 'TXT', txtdata => [@strings]));
	}
	return $packet;
}

sub query { my ($self, @q) = @_; my $p = $self->send(@q); return $p->answer ? $p : undef; }
sub errorstring { return 'NOERROR'; }

package main;

sub slurp {
	my ($path) = @_;
	open(my $f, '<:raw', $path) or die "$path: $!";
	local $/;
	return scalar <$f>;
}

sub verify {
	my ($records, @files) = @_;
	Mail::DKIM::DNS::resolver(Records->new($records));
	for my $path (@files) {
		my $v = Mail::DKIM::Verifier->new();
		$v->PRINT(slurp($path));
		$v->CLOSE;
		print(join(' ', $path, map { $_->result } $v->signatures), "\n");
	}
}

sub sign {
	my ($key, $alg, $domain, $selector, $canon, $outdir, @files) = @_;
	for my $path (@files) {
		my $text = slurp($path);
		my $s = Mail::DKIM::Signer->new(
			Algorithm => $alg, Method => $canon, Domain => $domain, Selector => $selector,
			Key => Mail::DKIM::PrivateKey->load(File => $key, $alg =~ /ed25519/ ? (Type => 'ed25519') : ()));
		$s->PRINT($text);
		$s->CLOSE;
		my ($base) = $path =~ m{([^/]+)$};
		my $field = $s->signature->as_string;
		$field =~ s/\r?\n/\r\n/g;
		open(my $f, '>:raw', "$outdir/$base") or die "$outdir/$base: $!";
		print $f ($field, "\r\n", $text);
		close($f) or die;
	}
}

sub arc_verify {
	my ($records, @files) = @_;
	Mail::DKIM::DNS::resolver(Records->new($records));
	for my $path (@files) {
		my $v = Mail::DKIM::ARC::Verifier->new();
		$v->PRINT(slurp($path));
		$v->CLOSE;
		print(join(' ', $path, $v->result, $v->result_detail // ''), "\n");
	}
}

sub arc_seal {
	my ($key, $domain, $selector, $id, $outdir, @files) = @_;
	for my $path (@files) {
		my $text = slurp($path);
		my $s = Mail::DKIM::ARC::Signer->new(
			Algorithm => 'rsa-sha256', Chain => 'ar', Domain => $domain, SrvId => $id, Selector => $selector,
			Headers => 'from:to:subject:date', Key => Mail::DKIM::PrivateKey->load(File => $key));
		$s->PRINT($text);
		$s->CLOSE;
		die "$path: " . ($s->{details} // $s->result) unless $s->result eq 'sealed';
		my ($base) = $path =~ m{([^/]+)$};
		my $fields = join("\r\n", $s->as_strings);
		$fields =~ s/\r?\n/\r\n/g;
		open(my $f, '>:raw', "$outdir/$base") or die "$outdir/$base: $!";
		print $f ($fields, "\r\n", $text);
		close($f) or die;
	}
}

my %verbs = (verify => \&verify, sign => \&sign, 'arc-verify' => \&arc_verify, 'arc-seal' => \&arc_seal);
my $verb = shift(@ARGV);
$verbs{$verb}->(@ARGV);
