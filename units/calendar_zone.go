package units

import "strings"

// zone takes a time zone off the end.
func (p *calendar) zone() {
	at := strings.LastIndexByte(p.text, ' ')
	if at >= 0 && timeZone(p.text[at+1:]) {
		p.end = at
	}
}

// timeZone reports whether a word may name a time zone.
func timeZone(s string) bool {
	if strings.EqualFold(s, "UTC") {
		return true
	}
	if s == "" || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_/") != "" {
		return false
	}
	area, _, _ := strings.Cut(s, "/")
	switch area {
	case "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Brazil", "Canada", "Chile", "Etc",
		"Europe", "Indian", "Mexico", "Pacific", "US", "posix", "right":
		return area != s
	case "Cuba", "Egypt", "Eire", "GB", "GB-Eire", "Greenwich", "Hongkong", "Iceland", "Iran", "Israel", "Jamaica", "Japan",
		"Kwajalein", "Libya", "NZ", "NZ-CHAT", "Navajo", "Poland", "Portugal", "Singapore", "Turkey", "Universal", "W-SU", "Zulu",
		"Factory", "localtime", "posixrules":
		return true
	}
	// CET, CEST, EST5EDT, GMT+0: the names, and what they are called for short
	letters := strings.TrimRight(s, digits+"+-")
	capital := func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' }
	return len(letters) >= 3 && len(s) <= 8 && strings.IndexFunc(letters, func(r rune) bool { return !capital(r) }) < 0 && letters[0] > '9'
}
