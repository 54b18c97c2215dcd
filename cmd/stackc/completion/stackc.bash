# Completion for stackc in bash: source <(stackc completion bash), or as the file
# stackc in the folder of bash-completion.

_stackc() {
	local line=${COMP_LINE:0:COMP_POINT} words=() answer=() breaks="" before="" option="" current mode value
	read -a words <<<"$line" # without -r: a backslash before a blank belongs to a name
	[[ $line == *[[:space:]] && $line != *"\\ " ]] && words+=("")
	current=${words[${#words[@]} - 1]}

	# readline replaces what stands behind the last of these alone
	[[ $COMP_WORDBREAKS == *=* ]] && breaks+="="
	[[ $COMP_WORDBREAKS == *:* ]] && breaks+=":"
	[[ -n $breaks && $current == *[$breaks]* ]] && before=${current%"${current##*[$breaks]}"}
	[[ $current == -*=* ]] && option=${current%%=*}=

	mapfile -t answer < <("${words[0]/#\~/$HOME}" __complete -- "${words[@]:1}" 2>/dev/null)
	COMPREPLY=()
	((${#answer[@]})) || return
	mode=${answer[${#answer[@]} - 1]}
	unset "answer[${#answer[@]} - 1]"
	for value in "${answer[@]}"; do
		value=${value%%$'\t'*}
		COMPREPLY+=("${value#"$before"}")
	done
	[[ $mode == *nospace* ]] && compopt -o nospace
	case $mode in
	*any*) mapfile -t answer < <(compgen -f -- "${current#"$option"}") ;;
	*toml*) mapfile -t answer < <(compgen -f -X '!*.toml' -- "${current#"$option"}"; compgen -d -- "${current#"$option"}") ;;
	*dirs*) mapfile -t answer < <(compgen -d -- "${current#"$option"}") ;;
	*) return ;;
	esac
	compopt -o filenames
	for value in "${answer[@]}"; do
		value=$option$value
		COMPREPLY+=("${value#"$before"}")
	done
}

complete -F _stackc stackc
