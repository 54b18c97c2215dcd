package sim

import (
	"fmt"
	"strings"
)

// unitNameMax is the longest unit name systemd takes (UNIT_NAME_MAX of unit-name.h, less the NUL).
const unitNameMax = 255

// checkName says why systemd would not link a file of that name (unit_name_is_valid of unit-name.c).
// fleet's API is more generous: it lets names of 256 characters, ".service" and "x.snapshot" through.
func checkName(name string) error {
	prefix, _, _ := strings.Cut(strings.TrimSuffix(name, "."+kindOf(name)), "@")
	switch {
	case len(name) > unitNameMax:
		return fmt.Errorf("file name too long")
	case prefix == "" || !isUnitType(kindOf(name)) || strings.Trim(name, nameCharacters) != "":
		return fmt.Errorf("Unit name %s is not valid.", name)
	}
	return nil
}

const nameCharacters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:-_.\\@"

func isUnitType(kind string) bool {
	switch kind {
	case "service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope":
		return true
	}
	return false
}

// checkInstall says why systemd would not enable the file. fleet 1.0 enables every unit that has an
// [Install] section and takes "nothing to do" for a failure (systemd/manager.go, Load).
func (s sections) checkInstall(name string) error {
	if len(s["Install"]) == 0 {
		return nil
	}
	found := false
	for _, option := range []string{"WantedBy", "RequiredBy", "UpheldBy", "Also", "Alias"} {
		for _, other := range s.words("Install", option) {
			found = true
			if strings.Contains(other, "%") {
				continue // a specifier, resolved by systemd
			}
			if checkName(other) != nil || option == "Alias" && kindOf(other) != kindOf(name) {
				return fmt.Errorf("Failed to enable systemd unit %s: Invalid argument", name)
			}
		}
	}
	if !found {
		return fmt.Errorf("Failed to enable systemd unit %s: nothing to install", name)
	}
	return nil
}
