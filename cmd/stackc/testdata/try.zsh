# Reads command lines and prints what zsh's completion offers at the end of each,
# with an empty line behind. The completion runs in an interactive zsh of its own.
zmodload zsh/zpty || exit 1
cat >$1/rc <<'END'
PROMPT= RPROMPT=
unsetopt zle_bracketed_paste 2>/dev/null
autoload -Uz compinit && compinit -u -D
zstyle ':completion:*' completer _complete
source <(stackc completion zsh)
compadd () {
	if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
		builtin compadd "$@"
		return
	fi
	local -a hits
	builtin compadd -O hits "$@"
	(( $#hits )) && print -rl -- $hits >>$TRIED
	builtin compadd "$@"
}
finish () { print -r -- . >>$TRIED; BUFFER=; zle redisplay; }
zle -N finish
bindkey '^T' finish
bindkey '^I' complete-word
print -r -- ready >$TRIED
END
export TRIED=$1/tried
rm -f $TRIED
zpty inner zsh -f -i
zpty -w inner "source $1/rc"
wait_for () {
	local -i tries
	until [[ -r $TRIED && "$(tail -n 1 $TRIED)" == $1 ]]; do
		zpty -r -t inner >/dev/null
		sleep 0.02
		(( ++tries < 3000 )) || { print -u 2 "the inner zsh does not answer"; exit 1 }
	done
}
wait_for ready
while IFS= read -r line; do
	: >$TRIED
	zpty -n -w inner "$line"$'\t\C-t'
	wait_for .
	sed '$d' $TRIED | sort -u
	echo
done
zpty -d inner
