#!/usr/bin/perl
# Mail::SPF on the cases of test_spf.py: JSON in (zones, tests), a line "result<TAB>text" each out.
use strict;
use warnings;
use JSON::PP;
use Mail::SPF;
use Net::DNS;

package Zone;
sub new { my ($class, $zone) = @_; return bless { zone => $zone, error => '' }, $class; }
sub errorstring { return $_[0]->{error}; }
sub send {
	my ($self, $name, $type) = @_;
	my $packet = Net::DNS::Packet->new('example.', 'A');
	my $records = $self->{zone}{lc $name} // [];
	my @of_type = grep { ref $_ && exists $_->{$type} } @$records;
	$self->{error} = '';
	if (!@of_type && grep { !ref $_ } @$records) {
		$self->{error} = 'query timed out';
		return undef;
	}
	$packet->header->rcode('NOERROR');
	for my $r (@of_type) {
		my $v = $r->{$type};
		my %data = $type eq 'MX' ? (preference => $v->[0], exchange => $v->[1]) :
		    $type eq 'PTR' ? (ptrdname => $v) : $type eq 'TXT' ? (txtdata => [$v]) : (address => $v);
		$packet->push(answer => Net::DNS::RR->new(name => $name, type => $type, %data));
	}
	return $packet;
}

package main;
my $json = JSON::PP->new->utf8;
local $/;
for my $scenario (@{ $json->decode(<STDIN>) }) {
	my $server = Mail::SPF::Server->new(dns_resolver => Zone->new($scenario->{zonedata}), query_rr_types => Mail::SPF::Server->query_rr_type_txt);
	for my $t (@{ $scenario->{tests} }) {
		my $result = eval {
			my $request = Mail::SPF::Request->new(versions => [1],
			    scope => $t->{mailfrom} eq '' ? 'helo' : 'mfrom',
			    identity => $t->{mailfrom} eq '' ? $t->{helo} : $t->{mailfrom},
			    ip_address => $t->{host}, helo_identity => $t->{helo});
			$server->process($request);
		};
		my $text = defined $result ? $result->text : $@;
		$text =~ s/[\t\n\r]/ /g;
		print defined $result ? $result->code : 'died', "\t", $text, "\n";
	}
}
