package stack

import (
	"math"

	"github.com/stackc/stackc/compiler/syntax"
)

// Keyword is one key of the language: what it says, and what may stand behind
// it. The decoder reads by these tables and editors' schemas are made of them.
type Keyword struct {
	Name string
	// Help says what the key says, without a full stop.
	Help  string
	Shape Shape
	// Example is a value as TOML.
	Example string
	// Required is whether a table without the key is at fault.
	Required bool
	// With names a key beside which alone this one makes sense, "" for none.
	With string
	// BesideText is whether a unit may have it beside its text.
	BesideText bool
}

// Keywords is a table of keys, in the order in which they are documented.
type Keywords []Keyword

// Names returns the keys.
func (k Keywords) Names() []string {
	names := make([]string, len(k))
	for i, w := range k {
		names[i] = w.Name
	}
	return names
}

// ShapeKind is the form of a value.
type ShapeKind int

// The forms of values.
const (
	ShapeAny     ShapeKind = iota // any TOML value that JSON can hold
	ShapeString                   // a string
	ShapeInteger                  // a whole number from Low to High
	ShapeNumber                   // a number, whole or not
	ShapeBool                     // true or false
	ShapeFalse                    // false
	ShapeTrue                     // true
	ShapeArray                    // an array of Elem
	ShapeTable                    // a table with the keys of Table
	ShapeMap                      // a table with names of the user's own, each for an Elem
	ShapeEither                   // one of Either
)

// Shape is what may stand behind a key, as far as it can be told without
// knowing the rest of the stack.
type Shape struct {
	Kind ShapeKind
	// Open is whether a string with an expression may stand in its place.
	Open bool
	// Low and High bound an integer.
	Low, High int64
	// Choices are the strings that it may be, nil for any.
	Choices []string
	// Pattern is a regular expression that a string or the names of a map must
	// match, in what RE2 and ECMA 262 share; "" for any.
	Pattern string
	// Filled is whether an array must have something in it.
	Filled bool
	// Elem is the shape of what is in an array or map.
	Elem *Shape
	// Table gives the keys of a table.
	Table *Table
	// Either are the shapes of which it must have one.
	Either []Shape
}

// Table is a table with known keys.
type Table struct {
	// Name is what findings call it: "a unit".
	Name string
	Keys Keywords
	// One lists keys of which exactly one must be there, nil for none.
	One []string
	// Some lists keys of which at least one must be there, nil for none.
	Some []string
	// Sections lists the sections of systemd's and fleet's that may stand in it,
	// beside any that begins with X-; nil for none at all.
	Sections []string
	// Cases say what the shape of one key is when another has a certain value.
	Cases []Case
}

// Case narrows the shape of a key where another key is a certain word.
type Case struct {
	If, Is string // the key and its word
	Then   string // the key that is narrowed
	Shape  Shape
}

// form is a way to write a T: what it looks like, and how it is read. Both are
// given together, so that neither can say what the other does not.
type form[T any] struct {
	shape Shape
	read  func(d *decoder, v *syntax.Value) T
}

// keyword is a Keyword in a table that becomes an O, with how it is read.
type keyword[O any] struct {
	Keyword
	read func(d *decoder, o *O, v *syntax.Value)
}

// key makes the keyword that reads f into a field of an O.
func key[O, T any](name string, f form[T], field func(*O) *T, help, example string) keyword[O] {
	return keyword[O]{
		Keyword{Name: name, Help: help, Shape: f.shape, Example: example},
		func(d *decoder, o *O, v *syntax.Value) { *field(o) = f.read(d, v) },
	}
}

// required makes a table without the key a fault.
func (k keyword[O]) required() keyword[O] {
	k.Required = true
	return k
}

// besideText lets the key stand beside the text of a unit.
func (k keyword[O]) besideText() keyword[O] {
	k.BesideText = true
	return k
}

// keywordsOf returns what a table of keywords says without how it is read.
func keywordsOf[O any](table []keyword[O]) Keywords {
	list := make(Keywords, len(table))
	for i, k := range table {
		list[i] = k.Keyword
	}
	return list
}

// The shapes from which the tables are made.

func stringShape(pattern string) Shape { return Shape{Kind: ShapeString, Open: true, Pattern: pattern} }

func choiceShape(choices ...string) Shape {
	return Shape{Kind: ShapeString, Open: true, Choices: choices}
}

func numberShape(low, high int64) Shape {
	return Shape{Kind: ShapeInteger, Open: true, Low: low, High: high}
}

// integerShape is any whole number.
func integerShape() Shape { return Shape{Kind: ShapeInteger, Low: math.MinInt64, High: math.MaxInt64} }

func boolShape() Shape { return Shape{Kind: ShapeBool, Open: true} }

func eitherShape(of ...Shape) Shape { return Shape{Kind: ShapeEither, Either: of} }

func arrayShape(elem Shape) Shape { return Shape{Kind: ShapeArray, Elem: &elem} }

// manyShape is one, or an array of them.
func manyShape(one Shape) Shape { return eitherShape(one, arrayShape(one)) }

func tableShape(t Table) Shape { return Shape{Kind: ShapeTable, Table: &t} }

func mapShape(pattern string, elem Shape) Shape {
	return Shape{Kind: ShapeMap, Pattern: pattern, Elem: &elem}
}

// The patterns of strings and names.
const (
	NotEmpty     = `.`
	pairPattern  = "^[^=\\s\"'`,;]+=[^=\\s\"'`,;]+$"
	slashPattern = `^/`
	webPattern   = `^(https?://.*)?$`
	pathOrURL    = `^/|://`
	sumPattern   = `^[0-9a-f]{64}$`
	modePattern  = `^[0-7]{3,4}$`
	envPattern   = `^[A-Za-z_][A-Za-z0-9_]*$`
	paramPattern = `^[A-Za-z][A-Za-z0-9_-]*$`
	stackPattern = `^[A-Za-z0-9]([A-Za-z0-9_./-]{0,62}[A-Za-z0-9])?$`
)

// The forms from which the tables are made.

// names is one name, or several.
func names() form[[]Word] { return form[[]Word]{manyShape(stringShape(NotEmpty)), (*decoder).words} }

func oneName() form[Word] { return form[Word]{stringShape(NotEmpty), (*decoder).word} }

func pairs() form[[]Word] { return form[[]Word]{manyShape(stringShape(pairPattern)), (*decoder).pairs} }

func flag() form[Flag] { return form[Flag]{boolShape(), (*decoder).flag} }

// number is a whole number from low to high.
func number(low, high int64) form[Int] {
	return form[Int]{numberShape(low, high), func(d *decoder, v *syntax.Value) Int { return d.number(v, low, high) }}
}

func port() form[Int] { return number(1, 65535) }

// text is a string in which expressions may stand.
func text(pattern string) form[Text] { return form[Text]{stringShape(pattern), (*decoder).text} }

// addresses is one address, or several of which any will do.
func addresses() form[[]Text] {
	return form[[]Text]{manyShape(stringShape(NotEmpty)), (*decoder).addresses}
}

func address() form[Text] { return form[Text]{stringShape(NotEmpty), (*decoder).address} }

func allowances() form[[]*Allowance] {
	return form[[]*Allowance]{manyShape(choiceShape(allowableCodes()...)), (*decoder).allowances}
}

// Shape returns the shape of the values of a parameter type.
func (t ParamType) Shape() Shape {
	switch t {
	case TypeInt:
		return integerShape()
	case TypeBool:
		return Shape{Kind: ShapeBool}
	case TypeDuration:
		return eitherShape(Shape{Kind: ShapeString, Pattern: NotEmpty}, integerShape())
	case TypeList:
		return arrayShape(eitherShape(Shape{Kind: ShapeString}, integerShape()))
	case TypePath:
		return Shape{Kind: ShapeString, Pattern: slashPattern}
	case TypeURL:
		return Shape{Kind: ShapeString, Pattern: `://`}
	case TypeCIDR:
		return Shape{Kind: ShapeString, Pattern: `/[0-9]+$`}
	}
	return Shape{Kind: ShapeString}
}
