#compdef blocklistctl
# This script completes commands of blocklistctl in zsh. blocklistctl completion zsh prints it.

_blocklistctl() {
	local line files ret=1
	local -a found
	for line in "${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
		case $line in
			:files) files=1 ;;
			*$'\t'*) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
			?*) found+=("${line//:/\\:}") ;;
		esac
	done
	(( $#found )) && _describe -V blocklistctl found && ret=0
	[[ -n $files ]] && _files && ret=0
	return ret
}

if [[ ${funcstack[1]} == _blocklistctl ]]; then
	_blocklistctl "$@"
else
	compdef _blocklistctl blocklistctl
fi
