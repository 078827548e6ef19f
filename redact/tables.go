package redact

import "strings"

// Where names head a table, the values stand in the same places of its rows:
//
//	user,password,role                       a CSV file
//	kim,…,admin
//	INSERT INTO u (user, password) VALUES ('kim', '…')

// tableHead is a list of names.
type tableHead struct {
	columns []name
	delim   byte
	end     int // after the list
	bracket bool
}

// table conceals the columns of a table whose head n is in.
func (sc *scan) table(n name) {
	if n.start < sc.tabled {
		return
	}
	head, ok := readHead(sc.s, n)
	if !ok {
		return
	}
	claims := make([]claim, len(head.columns))
	for i, column := range head.columns {
		claims[i] = sc.claimOf(column.text)
	}
	if head.bracket {
		sc.tabled = sc.tuples(head, claims)
	} else {
		sc.tabled = sc.rows(head, claims)
	}
}

// readHead reads the list of names around n.
func readHead(s string, n name) (tableHead, bool) {
	head := tableHead{}
	start, end := cellStart(s, n.start), cellEnd(s, n.end)
	for _, c := range [...]byte{at(s, end), at(s, start-1)} {
		if c == ',' || c == ';' || c == '\t' || c == '|' {
			head.delim = c
			break
		}
	}
	if head.delim == 0 {
		return head, false
	}
	for start > 0 && s[start-1] == head.delim && n.start-start < maxHead {
		start = cellStart(s, start-1)
	}
	head.bracket = at(s, start-1) == '('
	for i := start; i-start < maxHead; i++ {
		i = skipBlanks(s, i)
		from := i + skipQuote(s, i)
		end := keySet.run(s, from)
		if end == from {
			return head, false
		}
		head.columns = append(head.columns, name{start: from, end: end, text: s[from:end]})
		if i = cellEnd(s, end); at(s, i) != head.delim {
			head.end = i
			break
		}
	}
	return head, head.end > 0 && len(head.columns) > 1
}

// maxHead bounds the names of a table.
const maxHead = 4096

// cellStart returns where the cell of a head begins that ends at i.
func cellStart(s string, i int) int {
	for i > 0 && isBlank(s[i-1]) && s[i-1] != '\t' {
		i--
	}
	if i > 0 && isQuote(s[i-1]) {
		i--
	}
	for i > 0 && keySet[s[i-1]] && !escapeEnds(s, i) {
		i--
	}
	if i > 0 && isQuote(s[i-1]) {
		i--
	}
	if j := len(strings.TrimRight(s[:i], " ")); j > 0 && strings.IndexByte(",;|(", s[j-1]) >= 0 {
		return j
	}
	return i
}

// cellEnd returns where the cell ends whose name ends at i.
func cellEnd(s string, i int) int {
	i += skipQuote(s, i)
	for at(s, i) == ' ' {
		i++
	}
	return i
}

func skipQuote(s string, i int) int { return b2i(isQuote(at(s, i))) }

// rows conceals the cells of the lines that follow a head, as long as they have as many;
// the last line may be cut.
// It returns where the last of them ends.
func (sc *scan) rows(head tableHead, claims []claim) int {
	s, end := sc.s, head.end
	spoken := hasByte(s[head.columns[0].start:end], isSpace) // a sentence may list names as well
	for {
		next := lineBreak(s, end)
		if next == end {
			return end
		}
		cells, stop := readCells(s, next, head.delim)
		sc.charge(stop - next)
		if len(cells) != len(claims) && (len(cells) > len(claims) || len(cells) == 1 || spoken || !cutAt(s, stop)) {
			return end
		}
		sc.concealCells(cells, claims)
		end = stop
	}
}

// tuples conceals the items of the tuples after VALUES. One that has fewer than there
// are columns was cut.
func (sc *scan) tuples(head tableHead, claims []claim) int {
	s, end := sc.s, head.end
	if at(s, end) != ')' {
		return end
	}
	i := skipSpaces(s, end+1)
	if !hasPrefixFold(s, i, "values") {
		return end
	}
	for i = skipSpaces(s, i+len("values")); at(s, i) == '('; i = skipSpaces(s, i+1) {
		cells, stop := readCells(s, i+1, ',')
		sc.charge(stop - i)
		if len(cells) > len(claims) {
			return end
		}
		sc.concealCells(cells, claims)
		end = stop
		if i = skipSpaces(s, stop+1); at(s, i) != ',' {
			break
		}
	}
	return end
}

func (sc *scan) concealCells(cells []value, claims []claim) {
	for i, cell := range cells {
		if claims[i].demand != nothing {
			sc.concealIf(cell, claims[i])
		}
	}
}

// cellStop returns where the cell ends of which i is in so many brackets. A call has
// brackets of its own: NOW().
func cellStop(s string, i int, delim byte, depth int) int {
	limit := min(len(s), i+maxBare)
	for ; i < limit && lineBreak(s, i) == i && (depth > 0 || !quoteEnds(s, i)); i++ {
		switch c := s[i]; {
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case c == ')', c == delim && depth == 0:
			return i
		}
	}
	return i
}

// readCells reads the cells from i to the end of the line or a closing bracket, and
// returns where that is.
func readCells(s string, i int, delim byte) ([]value, int) {
	var cells []value
	for len(cells) < maxHead {
		i = skipBlanks(s, i)
		v := value{start: i, end: i}
		depth := 0
		if open, escapes, ok := openQuote(s, i); ok {
			depth = b2i(open-escapes-2 > i && s[open-escapes-2] == '(') // CRYPT('…', GEN_SALT('bf'))
			v = value{open, closeQuote(s, open, escapes), true, escapes}
			i = min(v.end+escapes+1, len(s))
		}
		i = cellStop(s, i, delim, depth)
		if !v.quoted {
			v.end = i
		}
		cells = append(cells, v)
		if at(s, i) != delim {
			break
		}
		i++
	}
	return cells, i
}
