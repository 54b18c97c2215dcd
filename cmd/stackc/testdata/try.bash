# Reads command lines and prints what bash's completion offers at the end of each,
# with an empty line behind.
source <(stackc completion bash)
compopt() { :; } # works inside of readline alone
while IFS= read -r line; do
	COMP_LINE=$line COMP_POINT=${#line} COMPREPLY=()
	_stackc
	# as readline does: only what continues the last word
	word=${line##*[[:space:]=:]}
	((${#COMPREPLY[@]})) && for c in "${COMPREPLY[@]}"; do [[ $c == "$word"* || $line == *\\* ]] && printf '%s\n' "$c"; done
	echo
done
