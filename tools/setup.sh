# Sourced by ./run, ./test and .ci/run: what is missing is installed, the
# tree is built. bash only; nothing else need be there before.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
me=${0##*/}
user_lang=${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

say() { printf '%s: %s\n' "$me" "$*" >&2; }
die() { say "$*"; exit 3; }

# The packages of the named sections of tools/packages.txt.
packages_of() {
	local line section='' want
	while IFS= read -r line; do
		line=${line%%#*}
		line=${line//[[:space:]]/}
		case $line in
		'') ;;
		\[*\]) section=${line:1:-1} ;;
		*) for want; do [[ $want == "$section" ]] && echo "$line"; done ;;
		esac
	done <"$here/tools/packages.txt"
}

# Those of them that are not installed.
packages_missing() {
	local p status
	for p; do
		status=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)
		[[ $status == installed ]] || echo "$p"
	done
}

# Asked once, before output goes to a log file.
root_check() {
	local ask=
	[[ $EUID -eq 0 ]] && return
	command -v sudo >/dev/null ||
		die "missing packages ($missing): become root, or install sudo, and start again"
	[[ -t 0 ]] || ask=-n
	sudo $ask -v || die "missing packages ($missing): sudo refused; install them as root"
}

as_root() {
	if [[ $EUID -eq 0 ]]; then
		"$@"
	else
		sudo -n --preserve-env=DEBIAN_FRONTEND "$@"
	fi
}

# Installing a server must not start it: invoke-rc.d asks this file first.
# One that stands there already is the machine's own and stays.
guard=/usr/sbin/policy-rc.d
guard_on() {
	[[ -e $guard ]] && return
	as_root sh -c "printf '#!/bin/sh\n# Sekisho, while it installs\nexit 101\n' >$guard && chmod 755 $guard"
	trap guard_off EXIT
}
guard_off() {
	trap - EXIT
	if grep -qs 'Sekisho, while it installs' "$guard"; then
		as_root rm -f "$guard"
	fi
}

apt_get() {
	as_root apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" \
		</dev/null >"$setup_log" 2>&1
}

# The lists are fetched once a start, and only when something is missing.
lists_fresh=
apt_update() {
	[[ -n $lists_fresh ]] && return
	apt_get update ||
		die "apt-get update failed: $(tail -n1 "$setup_log") (is the network up?)"
	lists_fresh=1
}

setup_begin() {
	command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
		die "this is not Debian: install what tools/packages.txt names, then: meson setup build && ninja -C build"
	setup_log=$(mktemp) || die "no temporary file can be made in ${TMPDIR:-/tmp}"
}

# packages_install SECTION…: all of them, or a failure.
packages_install() {
	[[ -n ${setup_log:-} ]] || setup_begin
	missing=$(packages_missing $(packages_of "$@"))
	missing=${missing//$'\n'/ }
	[[ -z $missing ]] && return
	root_check
	say "installing: $missing"
	guard_on
	apt_update
	apt_get install -y --no-install-recommends $missing ||
		die "apt-get install failed: $(grep -m1 '^E:' "$setup_log" || tail -n1 "$setup_log")"
	guard_off
	say "installed"
}

# packages_try SECTION: one by one; what cannot be had is named, not fatal.
packages_try() {
	[[ -n ${setup_log:-} ]] || setup_begin
	local p
	missing=$(packages_missing $(packages_of "$@"))
	missing=${missing//$'\n'/ }
	[[ -z $missing ]] && return
	root_check
	say "installing, where it can be had: $missing"
	guard_on
	apt_update
	for p in $missing; do
		apt_get install -y --no-install-recommends "$p" ||
			say "no $p: its tests will be skipped"
	done
	guard_off
}

# The distribution's own Python, whatever else stands first in PATH.
python=/usr/bin/python3

# build DIR [meson options]: set up once, then ninja. Quiet when all is well.
build() {
	local dir=$here/$1 log why
	shift
	log=$(mktemp)
	if [[ ! -e $dir/build.ninja ]]; then
		say "setting up ${dir##*/}"
		if ! meson setup "$@" "$dir" "$here" >"$log" 2>&1; then
			why=$(grep -m1 ERROR "$log" || tail -n 1 "$log")
			rm -f "$log"
			die "meson setup failed: $why (all of it: ${dir##*/}/meson-logs/meson-log.txt)"
		fi
	fi
	say "building ${dir##*/}"
	if ! ninja -C "$dir" -k 0 >"$log" 2>&1; then
		sed -n '/^FAILED\|ERROR/,$p' "$log" |
			grep -vE '^(\[[0-9]+/[0-9]+\] |cc |gcc |clang |ninja: )' | head -n 60 >&2
		rm -f "$log"
		die "building ${dir##*/} failed (above)"
	fi
	rm -f "$log"
}

# build_asan [meson options]: clang, sanitizers and libFuzzer, in build-asan. Reports name
# files and lines; what else a debugger wants makes the build a ninth longer. gold links these
# large programs in a third of the time (0.27 s of 0.71 each, 2026-11-23); it is in binutils.
build_asan() {
	CC=clang CC_LD=gold build build-asan -Dfuzz=true -Db_lundef=false \
		-Db_sanitize=address,undefined -Dc_args=-gline-tables-only "$@"
}
export ASAN_OPTIONS=abort_on_error=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
