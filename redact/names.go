package redact

import "strings"

// claim is what a name says of the value beside it.
type claim struct {
	kind   Kind
	demand demand
}

// demand is what a value must look like to be concealed, as some names tell more
// than others: whatever is called a password is one, "token" may as well be a word
// of a grammar.
type demand uint8

const (
	nothing      demand = iota // the name says nothing
	anything                   // any value
	unguessable                // long enough and not a plain word
	opaque                     // like unguessable, with digits and letters mixed
	digits                     // three digits or more, and nothing but digits and punctuation
	manyDigits                 // seven digits or more
	personal                   // words that begin with capitals, as personal names do
	anyText                    // letters, not an identifier of a machine
	streetText                 // letters and a blank
	capitals                   // words of letters that each begin with a capital
	accessKeyID                // capital letters and digits, sixteen at least
	nationalText               // five letters and digits at least, one of them a digit
)

const maxWords = 8

// claimOf reads a name of a key, a variable, a flag, a header or an element.
func claimOf(name string) claim {
	var buf [maxWords]string
	return claimOfWords(splitWords(name, buf[:0]))
}

// claimOfWords looks at the last word that says something: passwordReset is a
// reset, new_password_2 a password.
func claimOfWords(words []string) claim {
	for len(words) > 0 {
		last := words[len(words)-1]
		before := words[:len(words)-1]
		if c, known := headOf(last); known {
			if c.demand == nothing {
				c = qualified(last, before)
			}
			return unlessHarmless(c, last, before)
		}
		if c := compound(last); c.demand != nothing {
			return unlessHarmless(c, last, before)
		}
		if !tails[last] && !isDigit(last[0]) {
			return claim{}
		}
		words = before
	}
	return claim{}
}

// headOf also knows the plural.
func headOf(word string) (claim, bool) {
	c, known := heads[word]
	if !known && len(word) > 4 && word[len(word)-1] == 's' {
		c, known = heads[word[:len(word)-1]]
	}
	return c, known
}

// heads are words that tell what the value is. A head without a demand tells it
// only together with the word before it.
var heads = claims{
	{Password, anything}: `password passwd passwort passphrase passcode pwd pword psw passwrd kennwort
		motdepasse contrasena contraseña senha wachtwoord lozenord losenord lösenord haslo hasło heslo parola
		salasana adgangskode jelszo jelszó sifre şifre`,
	{Password, unguessable}:   "pass pw psk presharedkey",
	{Password, digits}:        "pin otp totp mpin",
	{Secret, anything}:        "secret secrets mnemonic seedphrase",
	{Secret, unguessable}:     "credential credentials creds cred",
	{Token, unguessable}:      "token tokens jwt bearer apikey apikeys authkey connstr oauth",
	{Token, opaque}:           "pat",
	{Authorize, anything}:     "authorization",
	{Authorize, opaque}:       "auth",
	{Cookie, unguessable}:     "cookie cookies jsessionid phpsessid aspsessionid",
	{URLSignature, opaque}:    "signature sig",
	{CVC, digits}:             "cvc cvv csc",
	{Card, manyDigits}:        "pan ccnumber ccnum cardnumber cardno creditcard creditcardnumber",
	{IBAN, manyDigits}:        "iban",
	{BankAccount, manyDigits}: "routingnumber accountnumber bankaccount sortcode bsb",
	{SSN, manyDigits}:         "ssn socialsecuritynumber",
	{NationalID, nationalText}: `nino passport taxid taxpayerid passportnumber nationalid aadhaar aadhar cpf curp dni nif
		nie cuit cuil pesel bsn personnummer steuernummer steuerid steueridentifikationsnummer driverslicense driverlicense
		versichertennummer krankenversichertennummer krankenversicherungsnummer kvnr sozialversicherungsnummer rentenversicherungsnummer svnummer svnr ausweisnummer personalausweisnummer
		reisepassnummer personalausweis reisepass pasaporte passaporto passeport codicefiscale fiscale insee itin
		fuehrerscheinnummer führerscheinnummer nhsnumber medicarenumber`,
	{PersonName, anyText}: `firstname lastname fullname surname forename givenname familyname maidenname
		middlename fname lname cardholdername accountholder accountholdername cardholder beneficiaryname
		vorname nachname familienname geburtsname kontoinhaber karteninhaber prenom prénom apellido apellidos
		cognome sobrenome voornaam achternaam fornavn etternavn efternavn förnamn efternamn imie imię nazwisko
		titulaire titular`,
	{PersonName, capitals}: "nom nombre nome naam",
	{Address, streetText}: `address streetaddress postaladdress homeaddress mailingaddress anschrift adresse
		direccion dirección indirizzo endereco endereço domicilio wohnort`,
	{Address, anyText}: "street strasse straße addressline hausanschrift",
	{BirthDate, digits}: `dob birthdate birthday dateofbirth geburtsdatum birthdt geburtstag datenaissance
		fechanacimiento fechadenacimiento datanascita datanascimento geboortedatum naissance nacimiento nascita
		nascimento fødselsdato födelsedatum`,
	{Phone, manyDigits}: `phone phonenumber mobile mobilenumber tel telephone fax cellphone msisdn whatsapp
		landline handy telefon mobil telefonnummer mobilnummer handynummer rufnummer telephonenumber téléphone
		portable telefono teléfono celular movil móvil cellulare telefoon telefone`,
	{}: "passe key keys name initials code number no num id line date birth license licence holder account card",
}.table()

// tails are words that change nothing at the end of a name.
var tails = wordSetOf(`value val str string text txt plain plaintext clear cleartext raw confirm confirmation
	repeat again old new current previous hash hashed salt base b64 enc encoded encrypted cipher ciphertext prod
	production dev development staging stage test live default primary secondary main master backup override
	bytes blob data content body`)

// compound reads words written as one: dbpassword, AUTHTOKEN.
func compound(word string) claim {
	for _, c := range compounds {
		if len(word) > len(c.suffix) && strings.HasSuffix(word, c.suffix) {
			return c.claim
		}
	}
	return claim{}
}

var compounds = []struct {
	suffix string
	claim  claim
}{
	{"password", claim{Password, anything}},
	{"passwd", claim{Password, anything}},
	{"passphrase", claim{Password, anything}},
	{"passwort", claim{Password, anything}},
	{"dbpwd", claim{Password, anything}},
	{"dbpass", claim{Password, anything}},
	{"secret", claim{Secret, anything}},
	{"secretaccesskey", claim{AWSSecret, unguessable}},
	{"accesskeyid", claim{AWSKey, accessKeyID}},
	{"apikey", claim{Token, unguessable}},
	{"accesskey", claim{Token, unguessable}},
	{"secretkey", claim{Token, unguessable}},
	{"privatekey", claim{PrivateKey, unguessable}},
	{"encryptionkey", claim{Token, unguessable}},
	{"signingkey", claim{Token, unguessable}},
	{"accountkey", claim{Token, unguessable}},
	{"token", claim{Token, unguessable}},
}

// qualified reads a head that needs the word before it.
func qualified(head string, before []string) claim {
	if len(before) == 0 {
		return claim{}
	}
	last := before[len(before)-1]
	switch head {
	case "passe": // mot de passe
		if last == "de" {
			return claim{Password, anything}
		}
	case "key", "keys":
		return keyClaim(last, before)
	case "name", "initials", "holder":
		if personWords[last] || last == "to" && len(before) > 1 || head == "holder" && (last == "card" || last == "account" || last == "policy") {
			return claim{PersonName, anyText}
		}
	case "code":
		return codeClaim(last)
	case "number", "no", "num", "id", "license", "licence", "account", "passport", "card":
		return numberClaim(head, last, before)
	case "address", "line":
		return addressClaim(head, last)
	case "date", "birth":
		if head == "date" && last == "birth" || head == "birth" && (last == "of" || last == "date") {
			return claim{BirthDate, digits}
		}
	}
	return claim{}
}

func keyClaim(last string, before []string) claim {
	switch {
	case last == "access" && len(before) > 1 && before[len(before)-2] == "secret":
		return claim{AWSSecret, unguessable}
	case last == "private":
		return claim{PrivateKey, unguessable}
	case keyWords[last]:
		return claim{Token, unguessable}
	}
	return claim{}
}

// keyWords make a key a secret. A primary key, a sort key, a public key or the key
// of an S3 object is none.
var keyWords = wordSetOf(`api secret access private preshared encryption encrypt decrypt decryption signing sign auth
	authentication authorization account master shared storage service subscription function functions app
	application integration deploy ssh pgp gpg rsa ssl tls client consumer session admin root webhook hmac crypt
	crypto aes jwt sas host ingest ingestion write user x ocp license licence security datadog dd stripe sendgrid
	twilio openai anthropic newrelic algolia mailgun square heroku github gitlab slack pagerduty opsgenie splunk
	segment mapbox maps google azure cognitive cosmos redis instrumentation`)

var personWords = wordSetOf(`first last full given family middle maiden sur fore legal preferred cardholder
	holder customer recipient patient employee contact person beneficiary payee payer passenger guest student
	member applicant father mother spouse doctor buyer shopper subscriber borrower tenant candidate caller
	billing birth`)

func codeClaim(last string) claim {
	switch last {
	case "security", "card", "cvc", "cvv":
		return claim{CVC, digits}
	case "verification", "mfa", "otp", "totp", "pin", "pass", "sms", "time":
		return claim{Password, digits}
	case "auth", "authorization", "backup", "recovery":
		return claim{Password, opaque}
	case "sort":
		return claim{BankAccount, digits}
	}
	return claim{}
}

func numberClaim(head, last string, before []string) claim {
	switch last {
	case "phone", "mobile", "telephone", "tel", "fax", "cell", "contact", "whatsapp":
		return claim{Phone, manyDigits}
	case "card", "credit", "debit", "cc", "pan":
		if head != "id" {
			return claim{Card, manyDigits}
		}
	case "security", "ssn", "insurance":
		if len(before) > 1 && (before[len(before)-2] == "social" || before[len(before)-2] == "national") {
			return claim{SSN, manyDigits}
		}
	case "tax", "taxpayer", "passport", "national", "identity", "driver", "drivers", "driving", "license", "licence",
		"steuer", "ausweis", "fiscal", "nhs", "medicare":
		return claim{NationalID, nationalText}
	case "bank", "account", "routing", "aba":
		if head != "id" && head != "card" {
			return claim{BankAccount, manyDigits}
		}
	case "access":
		return claim{}
	case "key":
		if len(before) > 1 && before[len(before)-2] == "access" {
			return claim{AWSKey, accessKeyID}
		}
	}
	return claim{}
}

func addressClaim(head, last string) claim {
	switch last {
	case "street", "postal", "home", "mailing", "shipping", "billing", "delivery", "residential", "customer",
		"work", "office", "recipient":
		return claim{Address, streetText}
	case "address":
		return claim{Address, anyText}
	}
	return claim{}
}

// unlessHarmless takes a claim back where the words before say so: a next token
// turns a page.
func unlessHarmless(c claim, head string, before []string) claim {
	if len(before) == 0 || head != "token" && head != "tokens" {
		return c
	}
	switch before[len(before)-1] {
	case "next", "page", "continuation", "pagination", "request", "idempotency", "idempotent", "marker", "sync",
		"unexpected", "invalid", "stop", "max", "min", "num", "total", "input", "output", "prompt", "completion":
		return claim{}
	case "client":
		return claim{Token, opaque}
	}
	return c
}

// splitWords cuts a name into lower-case words at punctuation, at capitals and
// around digits; of a long name, the last words.
func splitWords(name string, words []string) []string {
	for end := len(name); end > 0 && len(words) < maxWords; {
		if !isWordByte(name[end-1]) {
			end--
			continue
		}
		start := wordStart(name, end)
		words = append(words, strings.ToLower(name[start:end]))
		end = start
	}
	for i, j := 0, len(words)-1; i < j; i, j = i+1, j-1 {
		words[i], words[j] = words[j], words[i]
	}
	return words
}

func isWordByte(c byte) bool { return isAlnum(c) || c >= 0x80 }

// wordStart returns where the word that ends at end begins.
func wordStart(name string, end int) int {
	i := end - 1
	switch c := name[i]; {
	case isDigit(c):
		for i > 0 && isDigit(name[i-1]) {
			i--
		}
	case isUpper(c):
		for i > 0 && isUpper(name[i-1]) {
			i--
		}
	default:
		for i > 0 && isWordByte(name[i-1]) && !isUpper(name[i-1]) && !isDigit(name[i-1]) {
			i--
		}
		if i > 0 && isUpper(name[i-1]) {
			i--
		}
	}
	return i
}

// claims is written with the words of one claim together.
type claims map[claim]string

func (c claims) table() map[string]claim {
	table := map[string]claim{}
	for claim, words := range c {
		for _, word := range strings.Fields(words) {
			table[word] = claim
		}
	}
	return table
}

func wordSetOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(words) {
		set[word] = true
	}
	return set
}
