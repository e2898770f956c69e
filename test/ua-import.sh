#!/usr/bin/env bash
#
# Imports every attachment of a folder like test/testdata/ua-orders (orders.tsv
# and lists/) into one order set:
#
#   bash test/ua-import.sh test/testdata/ua-orders OUT [BLOCKLISTCTL]
#
# OUT gets one order file an attachment and import.log, which says what was done
# to every line. Running it again changes nothing.
#
# How the columns are read: the id is the number with "-" for "/"; when a number
# comes with several attachments, each gets its annex from the title, else its
# place. kind unblock is a lift; block-ip are addresses; block and other (no
# title in the file name) block. issued is the decision's date, else the date on
# which it was first published; orders are in force from then on, since one
# without a from is in force at once, also for a look back.
#
# What the lists leave open is decided here as the operators who carried these
# orders out did: a page stands for its whole name, an address behind a name is a
# note. Two lines are no names at all and are left out.

set -euo pipefail
data=$1 out=$2 ctl=${3:-}
if [ -z "$ctl" ]; then
	ctl=$(mktemp -d)/blocklistctl
	go build -o "$ctl" "$(dirname "$0")/../cmd/blocklistctl"
fi
mkdir -p "$out"
: >"$out/import.log"
declare -A total seen
while IFS=$'\t' read -r number _; do
	total[$number]=$((${total[$number]:-0} + 1))
done < <(tail -n +2 "$data/orders.tsv")

# The dates may be empty, and read takes runs of tabs for one: hence the "-".
while IFS=$'\t' read -r number kind published decided _ file title; do
	id=ncu/${number//\//-}
	if [ "${total[$number]}" -gt 1 ]; then
		seen[$number]=$((${seen[$number]:-0} + 1))
		annex=${seen[$number]}
		if [[ ${title,,} =~ (додаток[ _]*|п\.)([0-9]+) ]]; then annex=${BASH_REMATCH[2]}; fi
		id+=.$annex
	fi
	[ "$decided" != - ] || decided=$published
	action=block
	[ "$kind" != unblock ] || action=lift
	terms=(--scope global --from "$decided")
	[ "$action" = block ] || terms=()
	"$ctl" import domains "$data/$file" --out "$out/$(tr / - <<<"$id").yaml" \
		--id "$id" --action "$action" --authority NCU --authority-country UA --authority-kind regulator \
		--reference "$number" --issued "$decided" ${terms[@]+"${terms[@]}"} --skip-refused \
		--paths name --addresses network --address-after note </dev/null 2>>"$out/import.log"
done < <(tail -n +2 "$data/orders.tsv" | awk -F'\t' -v OFS='\t' '{ for (i = 1; i <= NF; i++) if ($i == "") $i = "-"; print }')
