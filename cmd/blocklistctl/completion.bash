# This script completes commands of blocklistctl in bash. blocklistctl completion bash prints it.

_blocklistctl() {
	local line
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
			:files) compopt -o default 2>/dev/null ;;
			*) COMPREPLY+=("${line%%$'\t'*}") ;;
		esac
	done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
	# The readline library shows the part of a word behind the last "=" as a word of its own.
	if [[ ${COMP_WORDS[COMP_CWORD]} == *=* && ${#COMPREPLY[@]} -gt 0 ]]; then
		COMPREPLY=("${COMPREPLY[@]#*=}")
	fi
}

complete -F _blocklistctl blocklistctl
