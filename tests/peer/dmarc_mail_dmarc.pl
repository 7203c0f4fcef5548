#!/usr/bin/perl
# Mail::DMARC (RFC 7489) on the cases of dmarc_tool, its resolver and its list replaced:
#	dmarc_mail_dmarc.pl RULES < cases
# prints "result disposition" for each.
use strict;
use warnings;

package Answer;
sub new { my ($class, @rr) = @_; return bless { rr => [@rr] }, $class; }
sub answer { return @{ $_[0]->{rr} }; }

package Record;
sub new { my ($class, $type, $text) = @_; return bless { type => $type, text => $text }, $class; }
sub type { return $_[0]->{type}; }
sub txtdata { return $_[0]->{text}; }
sub address { return '192.0.2.1'; }

package Resolver;
sub new { return bless { txt => {} }, shift; }
sub send {	## no critic
	my ($self, $name, $type) = @_;
	return Answer->new(map { Record->new('TXT', $_) } @{ $self->{txt}{ lc $name } || [] });
}
sub query { my ($self, $name, $type) = @_; return Answer->new(Record->new('A', '')); }

package main;
use Mail::DMARC::PurePerl;

my %rules;
open my $f, '<', $ARGV[0] or die;
while (<$f>) { chomp; $rules{$_} = 1 if length; }
close $f;
{
	no warnings 'redefine';
	*Mail::DMARC::Base::get_public_suffix_list = sub { return \%rules; };
	*Mail::DMARC::Base::has_dns_rr = sub { return 1; };	# each name has an address: it asks for that first
	*Mail::DMARC::PurePerl::verify_external_reporting = sub { return 1; };
}
$SIG{__WARN__} = sub { };

my ($resolver, @authors, @spf, @dkim) = (Resolver->new);
while (my $line = <STDIN>) {
	chomp $line;
	my ($word, $name, $hex) = split / /, $line;
	if ($word eq 'txt') { push @{ $resolver->{txt}{$name} }, pack 'H*', $hex || ''; }
	elsif ($word eq 'author') { push @authors, $name; }
	elsif ($word eq 'spf') { push @spf, { scope => 'mfrom', domain => $name, result => 'pass' }; }
	elsif ($word eq 'dkim') { push @dkim, { domain => $name, selector => 's', result => 'pass' }; }
	elsif ($word eq 'go') {
		my $d = Mail::DMARC::PurePerl->new;
		$d->{resolver} = $resolver;
		$d->config->{report_store}{auto_save} = 0;
		$d->header_from($authors[0]);
		$d->source_ip('192.0.2.1');
		@spf = ({ scope => 'mfrom', domain => 'nobody.invalid', result => 'fail' }) if !@spf;
		$d->spf(\@spf);
		$d->dkim(\@dkim);
		my $r = eval { $d->validate };
		print $r ? ($r->result, ' ', lc $r->disposition, "\n") : "died -\n";
		($resolver, @authors, @spf, @dkim) = (Resolver->new);
	}
}
