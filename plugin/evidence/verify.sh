#!/bin/bash
# verify.sh [KEY] checks this bundle. It needs bash, openssl, coreutils, sed, grep, awk and xxd,
# and nothing of the program that made the bundle.
#
# KEY is the public key of the journal, as text or as a file. Get the key from a source that the
# maker of this bundle cannot change. Without KEY, the key comes from the bundle itself.
#
# For each record, the script computes the root of the journal's tree from the record and its
# proof (RFC 9162, section 2.1.3.2), and compares the root with the signed checkpoint.
set -euo pipefail
export LC_ALL=C
fail() { echo "FAILED: $*" >&2; exit 1; }
# A text with two signs + is a key. All other texts are files: of the caller, and not of the bundle.
vkey=${1:-}
if [ $# != 0 ] && ! [[ $vkey =~ ^[^+[:space:]]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$ ]]; then
	[ -f "$vkey" ] || fail "\"$vkey\" is no key and no file"
	vkey=$(head -n 1 -- "$vkey")
fi
cd -- "$(dirname -- "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
hex() { xxd -p | tr -d '\n'; }
# hash prints the SHA-256 of bytes that are given in hexadecimal digits.
hash() { xxd -r -p | openssl dgst -sha256 -binary | hex; }
# number prints its argument if it is a number without leading zeros.
number() { [[ $1 =~ ^(0|[1-9][0-9]{0,17})$ ]] || fail "\"$1\" is not a number"; printf %s "$1"; }

# The key and the checkpoint.
if [ $# = 0 ]; then
	vkey=$(head -n 1 journal.vkey)
	echo "note: the key comes from this bundle; compare $(printf %s "$vkey" | sed 's/+.*//')'s key with an independent copy"
fi
name=${vkey%%+*}
key=$(printf %s "$vkey" | cut -d+ -f3- | base64 -d | hex)
[ "${#key}" = 66 ] && [ "${key:0:2}" = 01 ] || fail "the key is not an Ed25519 key of a journal"
awk '/^$/ { exit } { print }' checkpoint >"$tmp/text"
[ "$(sed -n 1p "$tmp/text")" = "$name" ] || fail "the checkpoint belongs to another journal"
size=$(number "$(sed -n 2p "$tmp/text")")
root=$(sed -n 3p "$tmp/text" | base64 -d | hex)
{ printf 302a300506032b6570032100; printf %s "${key:2}"; } | xxd -r -p | openssl pkey -pubin -inform DER -out "$tmp/key.pem"
signed=no
while read -r sig; do
	printf %s "$sig" | base64 -d | tail -c +5 >"$tmp/sig"
	if openssl pkeyutl -verify -pubin -inkey "$tmp/key.pem" -rawin -in "$tmp/text" -sigfile "$tmp/sig" >/dev/null 2>&1; then signed=yes; fi
done < <(grep -F -- "— $name " checkpoint | awk -v n="$name" '$2 == n { print $3 }')
[ $signed = yes ] || fail "the signature of the checkpoint is bad"
echo "checkpoint: the signature of $name is good; the journal has $size records"

# Checkpoints and time stamps of outsiders, if somebody has put them into the folder checkpoints.
# Their names begin with the number of records.
if [ -d checkpoints ]; then
	for f in checkpoints/*; do
		[ -e "$f" ] || continue
		n=$(number "$(basename "$f" | cut -d. -f1)")
		[ "$n" -le "$size" ] || fail "$f is about $n records, but the checkpoint of this bundle has only $size: newer records exist"
		case $f in *.tsr) continue ;; esac
		[ "$(sed -n 2p "$f")" = "$n" ] || fail "$f is about another number of records"
		if [ "$n" = "$size" ]; then cmp -s "$tmp/text" <(head -n 3 "$f") || fail "$f is another checkpoint of $n records"; fi
	done
fi

# include LEAF INDEX SIZE ROOT FILE checks the proof in FILE, whose hashes follow the line with
# the index and end with an empty line or with the file.
include() {
	local r=$1 fn=$2 sn=$(($3 - 1)) p
	[ "$fn" -le "$sn" ] || return 1
	while read -r p; do
		p=$(printf %s "$p" | base64 -d | hex)
		[ ${#p} = 64 ] && [ $sn -ne 0 ] || return 1
		if [ $((fn & 1)) = 1 ] || [ "$fn" = "$sn" ]; then
			r=$(printf '01%s%s' "$p" "$r" | hash)
			while [ $((fn & 1)) = 0 ] && [ "$fn" -ne 0 ]; do fn=$((fn >> 1)) sn=$((sn >> 1)); done
		else
			r=$(printf '01%s%s' "$r" "$p" | hash)
		fi
		fn=$((fn >> 1)) sn=$((sn >> 1))
	done < <(awk '/^index / { f = 1; next } /^$/ { exit } f' "$5")
	[ $sn = 0 ] && [ "$r" = "$4" ]
}
leaf() { { printf 00; hex <"$1"; } | hash; }
# check FILE checks a record with the proof beside the record, and sets $index and $leaf.
check() {
	local proof=${1%.json}.tlog-proof
	index=$(number "$(basename "$1" .json)")
	[ "$(sed -n 1p "$proof")" = c2sp.org/tlog-proof@v1 ] || fail "$proof has another format"
	[ "$(sed -n 's/^index //p' "$proof" | head -n 1)" = "$index" ] || fail "$proof has another index"
	cmp -s checkpoint <(awk 'f { print } /^$/ { f = 1 }' "$proof") || fail "$proof has another checkpoint"
	[ "$(sed -n 's/^{"i":\([0-9]*\),.*/\1/p' "$1")" = "$index" ] || fail "$1 says that it is another record"
	leaf=$(leaf "$1")
	include "$leaf" "$index" "$size" "$root" "$proof" || fail "$1 is not in the journal"
}

# The records of the order. Their numbers must follow each other. In a JSON string, a quote has a
# backslash in front, so the patterns below do not match inside of a text.
order= want= count=0
for f in $(ls records | grep '\.json$' | sort -n); do
	check "records/$f"
	n=$(number "$(sed -n 's/.*,"n":\([0-9]*\)[,}].*/\1/p' "records/$f")")
	o=$(sed -n 's/.*,"order":"\(\([^"\\]\|\\.\)*\)".*/\1/p' "records/$f")
	[ -n "$o" ] && [ "$o" = "${order:-$o}" ] || fail "records/$f belongs to another order"
	[ "$n" = "${want:-$n}" ] || fail "records/$f is number $n of its order, but number $want was expected"
	if [ $count = 0 ] && [ "$n" != 1 ]; then echo "note: the records before number $n of the order are not in this bundle"; fi
	order=$o want=$((n + 1)) count=$((count + 1))
	lastfile=records/$f lastindex=$index
	echo "record $index: $(sed 's/^{"i":[0-9]*,"time":"\([^"]*\)","salt":"[^"]*","event":"\([^"]*\)".*/\1 \2/' "records/$f") ($n of the order)"
	if [ -z "${first:-}" ]; then first=$index; fi
done
[ $count != 0 ] || fail "there is no record"

# The daily record commits to the last record of each order.
if [ -d daily ]; then
	f=$(ls daily | grep '\.json$')
	check "daily/$f"
	grep -q '","event":"daily",' "daily/$f" || fail "daily/$f is not a daily record"
	day=$index
	tree=$(sed -n 's/.*,"root":"\([A-Za-z0-9+\/=]*\)".*/\1/p' "daily/$f" | base64 -d | hex)
	orders=$(number "$(sed -n 's/.*,"count":\([0-9]*\),.*/\1/p' "daily/$f")")
	# The last record of the order before the daily record.
	for r in $(ls records | grep '\.json$' | sort -n); do
		if [ "${r%.json}" -lt "$day" ]; then last=$r; fi
	done
	include "$(leaf "records/$last")" "$(number "$(sed -n 's/^index //p' daily/last.proof)")" "$orders" "$tree" daily/last.proof || fail "the daily record does not commit to records/$last"
	known=daily/$f knownindex=$day
	if [ "$day" -lt "$lastindex" ]; then known=$lastfile knownindex=$lastindex; fi
	echo "record $day: on $(sed 's/^{"i":[0-9]*,"time":"\([^"T]*\)T.*/\1/' "daily/$f"), records/$last was the last record of the order"
else
	echo "note: there is no daily record after the first record of the order"
	known=$lastfile knownindex=$lastindex
fi

# The end of the records. The checkpoint has no time, but cannot be older than the records here.
time=$(sed 's/^{"i":[0-9]*,"time":"\([^"]*\)".*/\1/' "$known")
if [ "$knownindex" = $((size - 1)) ]; then
	echo "note: records of the order after number $((want - 1)) may exist behind this checkpoint; the checkpoint is of $time or later, by the clock of the server"
else
	echo "note: records of the order after number $((want - 1)) may exist; the bundle is known to be complete only up to record $knownindex of the journal, which is of $time by the clock of the server; the checkpoint has $size records and is of that time or later"
fi
echo "OK: $count records of the order \"$order\" are in the journal $name"
