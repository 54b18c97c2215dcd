package source

// Span is a run of bytes in one file. The zero Span stands for "no place".
type Span struct {
	file       *File
	start, end int
}

// IsZero reports whether s stands for no place at all.
func (s Span) IsZero() bool { return s.file == nil }

// File returns the file of s, nil for the zero Span.
func (s Span) File() *File { return s.file }

// Start returns the byte offset of the first byte.
func (s Span) Start() int { return s.start }

// End returns the byte offset behind the last byte.
func (s Span) End() int { return s.end }

// Text returns the source text that s covers.
func (s Span) Text() string {
	if s.file == nil {
		return ""
	}
	return s.file.text[s.start:s.end]
}

// Position returns the place of the first byte, the zero Position for the zero Span.
func (s Span) Position() Position {
	if s.file == nil {
		return Position{}
	}
	return s.file.Position(s.start)
}

// EndPosition returns the place behind the last byte.
func (s Span) EndPosition() Position {
	if s.file == nil {
		return Position{}
	}
	return s.file.Position(s.end)
}

// Sub returns the part [start, end) of s, counted in bytes from its beginning
// and cut to s.
func (s Span) Sub(start, end int) Span {
	if s.file == nil {
		return s
	}
	start = min(max(s.start+start, s.start), s.end)
	end = min(max(s.start+end, start), s.end)
	return Span{file: s.file, start: start, end: end}
}

// To returns the span from the start of s to the end of t; both must be of one
// file, otherwise s is returned.
func (s Span) To(t Span) Span {
	if s.file != t.file || t.end < s.start {
		return s
	}
	return Span{file: s.file, start: s.start, end: t.end}
}

// String gives "file:line:column", or "" for the zero Span.
func (s Span) String() string {
	if s.file == nil {
		return ""
	}
	return s.file.name + ":" + s.Position().String()
}
