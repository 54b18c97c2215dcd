# Reads command lines and prints what fish's completion offers at the end of each,
# with an empty line behind.
stackc completion fish | source
while read -l line
    complete -C "$line" | string replace -r '\t.*' ''
    echo
end
