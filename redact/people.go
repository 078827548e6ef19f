package redact

import "strings"

// region is an object that describes a person: in it, "name" is a person's name,
// while elsewhere it is the name of a table or a state.
type region struct {
	end   int
	loose bool // it may as well describe an account or a program
	flat  int  // depth of the object's own members
	seen  int  // depth is known up to here
	depth int  // of brackets
}

var (
	people = wordSetOf(`shipto billto soldto shipping billing delivery shippingaddress billingaddress
		deliveryaddress customer customers recipient recipients sender contact contacts buyer purchaser payer payee
		beneficiary patient patients passenger passengers guest guests employee employees person persons people
		subscriber member members applicant insured student traveler travelers traveller attendee attendees
		shippingdetails billingdetails customerdetails contactdetails customerinfo contactinfo personalinfo
		personaldetails accountholder cardholder address kunde kundin empfänger empfaenger käufer absender kontakt ansprechpartner
		mitarbeiter teilnehmer versicherter versicherte lieferadresse rechnungsadresse cliente clientes destinatario
		destinataire comprador acheteur`)
	maybePeople = wordSetOf("user users owner client clients author profile userprofile")
	nameMembers = claims{
		{PersonName, anyText}: "name first last given family middle attn attention company",
		{Address, streetText}: "line",
	}.table()
)

// roles are names whose value is what a person is called, where it looks like that.
var roles = wordSetOf(`recipient buyer purchaser payer payee beneficiary patient passenger guest employee applicant
	student traveler traveller attendee customer kunde kundin empfänger empfaenger käufer ansprechpartner mitarbeiter
	teilnehmer versicherter versicherte cliente destinatario destinataire comprador acheteur`)

// called conceals what a person is called, where a name tells only which part the person
// plays: recipient: Lucía Fernández.
func (sc *scan) called(n name, sep separator) {
	if !roles[squash(n.text[strings.LastIndexByte(n.text, '.')+1:])] {
		return
	}
	switch at(sc.s, sep.value) {
	case '{', '[', '(':
	default:
		sc.concealAt(n, sep, claim{PersonName, personal})
	}
}

// enter notes that the value at i describes a person, if the name says so.
func (sc *scan) enter(n name, i int) {
	squashed := squash(n.text[strings.LastIndexByte(n.text, '.')+1:])
	loose := maybePeople[squashed]
	if !loose && !people[squashed] {
		return
	}
	end, flat := 0, 0
	switch c := at(sc.s, i); {
	case c == '{':
		end, flat = closeBracket(sc.s, i), 1
	case c == '[':
		end, flat = closeBracket(sc.s, i), 2
	case c == '(':
		if length := strings.IndexByte(sc.s[i:min(len(sc.s), i+maxSibling)], ')'); length > 0 {
			end = i + length
		}
	case lineBreak(sc.s, i) > i:
		end = yamlBlock(sc.s, n.start, i)
	}
	sc.charge(end - i)
	if end > 0 {
		sc.regions = append(sc.regions, region{end: end, loose: loose, flat: flat, seen: i})
	}
}

// personal conceals a member of an object that describes a person.
func (sc *scan) personal(n name, sep separator) {
	for len(sc.regions) > 0 && sc.regions[len(sc.regions)-1].end <= n.start {
		sc.regions = sc.regions[:len(sc.regions)-1]
	}
	if len(sc.regions) == 0 {
		return
	}
	var buf [maxWords]string
	words := splitWords(n.text, buf[:0])
	if len(words) > 1 && isDigit(words[len(words)-1][0]) {
		words = words[:len(words)-1]
	}
	c, known := nameMembers[words[len(words)-1]]
	if !known || len(words) > 1 {
		return
	}
	r := &sc.regions[len(sc.regions)-1]
	r.advance(sc.s, n.start)
	if c.kind == PersonName && (r.loose || r.depth > r.flat) {
		c.demand = personal
	}
	sc.concealAt(n, sep, c)
}

// advance counts the brackets that are open at i.
func (r *region) advance(s string, i int) {
	for ; r.seen < i; r.seen++ {
		switch s[r.seen] {
		case '{', '[':
			r.depth++
		case '}', ']':
			r.depth--
		}
	}
}
