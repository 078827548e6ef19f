package diagnose

import "strings"

// spelling is a number as its words say it one after the other: five, hundred, twelve.
type spelling struct {
	thousands int // what is complete: the two thousand of two thousand five hundred
	rest      int // below a thousand
	scaled    bool
	joined    int // after "and": hundred and twelve
	counts    bool
}

func (n *spelling) value() int { return n.thousands + n.rest }

// add takes the next word of the number, and reports whether it goes on with it.
func (n *spelling) add(word string) bool {
	if scale, known := scales[word]; known {
		return n.scale(scale)
	}
	more, known := below100(word)
	if !known || n.counts || n.rest%100 != 0 && (n.rest%10 != 0 || n.rest%100 < 20 || more > 9) || !n.scaled && n.rest == 0 {
		return false
	}
	n.rest += more
	n.joined = 0
	return true
}

func (n *spelling) scale(scale int) bool {
	if n.counts || n.thousands > 0 && scale >= 1000 && n.rest == 0 || n.rest >= scale {
		return false
	}
	if scale == 100 {
		n.rest *= 100
	} else {
		n.thousands, n.rest = n.thousands+max(n.rest, 1)*scale, 0
	}
	n.scaled, n.joined = true, 0
	return true
}

// spell reads the first word of a number, which in German may be all of it.
func spell(word string) (spelling, bool) {
	if n, known := manifold[word]; known {
		return spelling{rest: n, counts: true}, true
	}
	if n, known := scales[word]; known && n <= 100 {
		return spelling{rest: n, scaled: true}, true
	} else if known {
		return spelling{thousands: n, scaled: true}, true
	}
	if n, known := below100(word); known {
		return spelling{rest: n}, true
	}
	stem, times := strings.CutSuffix(word, "mal")
	n, known := compound(stem)
	return spelling{thousands: n / 1000 * 1000, rest: n % 1000, scaled: true, counts: times}, known
}

// compound reads what German writes as one word: fünfhundert, zweitausenddreihundertzwölf.
func compound(word string) (int, bool) {
	if n, known := below100(word); known {
		return n, true
	}
	for _, scale := range [...]string{"tausend", "hundert"} {
		before, after, found := strings.Cut(word, scale)
		if !found {
			continue
		}
		factor, rest, known := 1, 0, true
		if before != "" && before != "ein" {
			if factor, known = compound(before); !known {
				return 0, false
			}
		}
		if after != "" {
			rest, known = compound(strings.TrimPrefix(after, "und"))
		}
		return factor*scales[scale] + rest, known
	}
	return 0, false
}

// below100 reads a word for a number that is less than a hundred.
func below100(word string) (int, bool) {
	if n, known := cardinals[word]; known {
		return n, true
	}
	unit, tens, found := strings.Cut(word, "und") // fünfundzwanzig
	if !found {
		return 0, false
	}
	one, known := cardinals[unit]
	if unit == "ein" {
		one, known = 1, true
	}
	ten, tenKnown := cardinals[tens]
	return one + ten, known && tenKnown && one < 10 && ten >= 20
}

// manifold are words that count by themselves.
var manifold = map[string]int{"twice": 2, "thrice": 3, "dozen": 12, "dutzend": 12}

var scales = map[string]int{"hundred": 100, "hundert": 100, "thousand": 1000, "tausend": 1000, "million": 1_000_000, "millionen": 1_000_000, "billion": 1_000_000_000, "milliarde": 1_000_000_000, "milliarden": 1_000_000_000}

// cardinals leaves out "ein" and its forms, which are articles mostly.
var cardinals = func() map[string]int {
	words := map[string]int{"dreissig": 30, "fuenf": 5, "zwoelf": 12, "fuenfzehn": 15, "fuenfzig": 50, "zwo": 2}
	for _, list := range [...]string{
		"zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
		"null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn",
	} {
		for n, word := range strings.Fields(list) {
			words[word] = n
		}
	}
	for _, list := range [...]string{
		"twenty thirty forty fifty sixty seventy eighty ninety",
		"zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
	} {
		for n, word := range strings.Fields(list) {
			words[word] = 10 * (n + 2)
		}
	}
	return words
}()
