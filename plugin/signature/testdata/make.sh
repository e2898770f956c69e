#!/usr/bin/env bash
# make.sh makes the keys and signatures of this directory with Debian's minisign.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p legacy
for k in one two three; do
	minisign -G -f -W -p $k.pub -s $k.key >/dev/null
done
printf 'correct horse\ncorrect horse\n' | minisign -G -f -p locked.pub -s locked.key >/dev/null
minisign -S -s one.key -m orders.yaml
minisign -S -s two.key -m orders.yaml -x orders.yaml.2.minisig
minisign -S -l -s one.key -m orders.yaml -x legacy/orders.yaml.minisig
minisign -S -l -s two.key -m orders.yaml -x legacy/orders.yaml.2.minisig
minisign -S -s one.key -m orders.yaml -t 'approved by the desk' -x comment.minisig
