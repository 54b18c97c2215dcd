#compdef stackc
# Completion for stackc in zsh: source <(stackc completion zsh), or as the file
# _stackc in a folder of $fpath.

_stackc() {
	local -a answer values
	local mode line
	answer=("${(@f)$("${(@Q)words[1]}" __complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
	mode=$answer[-1]
	answer[-1]=()
	for line in $answer; do
		values+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
	done
	if (( $#values )); then
		if [[ $mode == *nospace* ]]; then
			_describe -t values value values -S ''
		else
			_describe -t values value values
		fi
	fi
	[[ $PREFIX == -*=* ]] && compset -P 1 '*='
	case $mode in
	*any*) _files ;;
	*toml*) _files -g '*.toml(-.)' ;;
	*dirs*) _files -/ ;;
	esac
}

if [[ $funcstack[1] == _stackc ]]; then
	_stackc "$@"
else
	compdef _stackc stackc
fi
