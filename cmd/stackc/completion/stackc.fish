# Completion for stackc in fish: stackc completion fish | source, or as the file
# stackc.fish in a folder of $fish_complete_path.

function __stackc_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
    set -q answer[1]; or return
    set -l mode $answer[-1]
    set -e answer[-1]
    printf '%s\n' $answer

    set -l option (string match -r -- '^-[^=]*=' "$current")
    set -l path (string replace -r -- '^-[^=]*=' '' "$current")
    set -l names
    switch $mode
        case '*any*'
            set names $path*
        case '*toml*'
            set names $path*.toml $path*/
        case '*dirs*'
            set names $path*/
    end
    for name in $names
        printf '%s\n' "$option$name"
    end
end

complete -c stackc -f -a '(__stackc_complete)'
