package syntax

// The blocks of an arena begin small, for the usual file, and double up to
// largest, for the file of ten thousand units.
const (
	smallest = 32
	largest  = 1024
)

// arena hands out the parts of one tree. They are very many and live equally
// long, so they are cut from blocks instead of being allocated one by one.
type arena struct {
	values  block[Value]
	entries block[Entry]
	tables  block[Table]
	elems   block[*Value]
	rows    block[*Entry]
}

// block is a stock of zero values of one type.
type block[T any] struct {
	stock []T
	size  int
}

// one returns a new zero value.
func (b *block[T]) one() *T { return &b.take(1)[:1][0] }

// take returns an empty slice of capacity n.
func (b *block[T]) take(n int) []T {
	if n > len(b.stock) {
		b.size = min(max(2*b.size, smallest), largest)
		b.stock = make([]T, max(n, b.size))
	}
	part := b.stock[:0:n]
	b.stock = b.stock[n:]
	return part
}

// usual is for how many entries a table has room from the beginning.
const usual = 4

func (a *arena) table() *Table {
	t := a.tables.one()
	t.Entries = a.rows.take(usual)
	return t
}
