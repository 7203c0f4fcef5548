# What Mail::DMARC reads of reports: FILE ... to a line of JSON each; FILE.eml is a whole mail. Nothing is stored.
use strict;
use warnings;
use Email::Simple;
use JSON::PP;
use Mail::DMARC::Report;
use Mail::DMARC::Report::Receive;

no warnings qw(redefine once);
*Mail::DMARC::Report::save_aggregate = sub { 1 };
for my $path (@ARGV) {
	open(my $f, '<:raw', $path) or die "$path: $!";
	my $xml = do { local $/; <$f> };
	my $receive = Mail::DMARC::Report::Receive->new;
	my $out = select STDERR;	# it prints subjects
	if ($path =~ /\.eml$/) {
		$receive->from_email_simple(Email::Simple->new($xml));
	} else {
		$receive->handle_body($xml);
	}
	select $out;
	my $a = $receive->report->aggregate;
	my @rows = map { {
		ip => $_->row->source_ip, count => $_->row->count,
		disposition => $_->row->policy_evaluated->disposition,
		dkim => $_->row->policy_evaluated->dkim, spf => $_->row->policy_evaluated->spf,
		reasons => [map { $_->{type} } @{$_->row->policy_evaluated->reason || []}],
		from => $_->identifiers->header_from, envelope => $_->identifiers->envelope_from,
	} } @{$a->record};
	print JSON::PP->new->canonical->encode({
		id => $a->metadata->report_id, org => $a->metadata->org_name,
		begin => $a->metadata->begin, end => $a->metadata->end,
		domain => $a->policy_published->domain, p => $a->policy_published->p,
		sp => $a->policy_published->sp, rows => \@rows,
	}), "\n";
}
