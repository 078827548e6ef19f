package redact

// Kind says what a concealed value was. It is the first part of a placeholder, so
// it consists of capital letters, digits and single underscores.
type Kind string

// The kinds that the built-in rules find. Where a value is of two kinds, the one
// told by its own form wins over the one told by the name beside it.
const (
	AWSKey       Kind = "AWS_KEY"       // access key id
	AWSSecret    Kind = "AWS_SECRET"    // secret access key
	AWSToken     Kind = "AWS_TOKEN"     // session token
	TaskToken    Kind = "TASK_TOKEN"    // Step Functions callback token: whoever has it may end the task
	JWT          Kind = "JWT"           // JSON Web Token, signed or encrypted
	PrivateKey   Kind = "PRIVATE_KEY"   // PEM, OpenSSH, PGP, PuTTY, JWK, age
	Token        Kind = "TOKEN"         // a vendor's API key or token, or a value named so
	Authorize    Kind = "AUTHORIZATION" // what an Authorization header sends
	Cookie       Kind = "COOKIE"        // what a Cookie or Set-Cookie header sends
	Password     Kind = "PASSWORD"      // passwords, passphrases, PINs and one-time codes
	Secret       Kind = "SECRET"        // a value named secret or credential
	URLSignature Kind = "URL_SIGNATURE" // what makes a pre-signed URL work
	Encoded      Kind = "ENCODED"       // base64 of a text that holds a secret
	Card         Kind = "CARD"          // payment card number
	CVC          Kind = "CVC"           // card verification code
	IBAN         Kind = "IBAN"          // international bank account number
	BankAccount  Kind = "BANK_ACCOUNT"  // national bank account and routing numbers
	Email        Kind = "EMAIL"
	Phone        Kind = "PHONE"
	PersonName   Kind = "NAME"
	Address      Kind = "ADDRESS"
	SSN          Kind = "SSN"         // US social security number
	NationalID   Kind = "NATIONAL_ID" // tax, passport, driving licence and health insurance numbers
	BirthDate    Kind = "BIRTH_DATE"
)

// valid reports whether the kind can stand in a placeholder.
func (k Kind) valid() bool {
	underscore := true // as if one stood before it: a kind does not begin with one
	for i := range len(k) {
		switch c := k[i]; {
		case c == '_' && underscore, c != '_' && !isUpper(c) && !isDigit(c):
			return false
		default:
			underscore = c == '_'
		}
	}
	return !underscore
}
