package redact

import "strings"

// vendorToken is a token that tells itself by its beginning, as its vendor has
// documented it.
type vendorToken struct {
	prefix string
	set    *charSet // bytes after the prefix
	length int      // of what follows the prefix, at least
}

// vendorTokens are tokens whose prefix alone makes them unmistakable. Publishable
// keys (Stripe's pk_, Mapbox's pk.) are no secrets and not among them.
var vendorTokens = []vendorToken{
	{"ghp_", alnum, 20}, {"gho_", alnum, 20}, {"ghu_", alnum, 20}, {"ghs_", dottedSet, 20}, {"ghr_", alnum, 20}, // GitHub
	{"github_pat_", wordSet, 20},
	{"glpat-", dottedSet, 16}, {"gldt-", slugSet, 16}, {"glrt-", dottedSet, 16}, {"glcbt-", slugSet, 16}, // GitLab
	{"glptt-", slugSet, 16}, {"glft-", slugSet, 16}, {"glsoat-", slugSet, 16}, {"glimt-", slugSet, 16},
	{"glagent-", slugSet, 16}, {"gloas-", slugSet, 16}, {"glffct-", slugSet, 16},
	{"xoxb-", slugSet, 10}, {"xoxa-", slugSet, 10}, {"xoxp-", slugSet, 10}, {"xoxr-", slugSet, 10}, // Slack
	{"xoxs-", slugSet, 10}, {"xoxc-", slugSet, 10}, {"xoxd-", percentSet, 10}, {"xoxo-", slugSet, 10},
	{"xoxe-", slugSet, 10}, {"xoxe.xoxp-", slugSet, 10}, {"xoxe.xoxb-", slugSet, 10}, {"xapp-", slugSet, 10},
	{"sk_live_", alnum, 10}, {"sk_test_", alnum, 10}, {"rk_live_", alnum, 10}, {"rk_test_", alnum, 10}, // Stripe
	{"whsec_", base64Set, 16},
	{"SG.", dottedSet, 40},                                                                                  // SendGrid
	{"sk-proj-", slugSet, 20}, {"sk-svcacct-", slugSet, 20}, {"sk-admin-", slugSet, 20}, {"sk-", alnum, 20}, // OpenAI
	{"sk-None-", slugSet, 20}, {"sk-ant-", slugSet, 16}, {"sk-or-", slugSet, 20}, {"sk-lf-", slugSet, 20}, // Anthropic, OpenRouter, Langfuse
	{"gsk_", alnum, 32}, {"xai-", alnum, 32}, {"pplx-", alnum, 32}, {"nvapi-", slugSet, 32}, {"r8_", alnum, 32},
	{"hf_", alnum, 30}, {"api_org_", alnum, 30}, // Hugging Face
	{"AIza", slugSet, 30}, {"ya29.", dottedSet, 20}, {"GOCSPX-", slugSet, 20}, {"1//0", slugSet, 30}, // Google
	{"npm_", alnum, 30}, {"pypi-", slugSet, 50}, {"dckr_pat_", slugSet, 20}, {"dckr_oat_", slugSet, 20},
	{"rubygems_", hexDigits, 40}, {"cio", alnum, 32}, {"CLOJARS_", alnum, 40},
	{"dapi", databricksSet, 32}, {"dkea", hexDigits, 32}, {"dose", hexDigits, 32}, // Databricks
	{"hvs.", slugSet, 20}, {"hvb.", slugSet, 20}, {"hvr.", slugSet, 20}, // Vault
	{"shpat_", hexDigits, 32}, {"shpca_", hexDigits, 32}, {"shppa_", hexDigits, 32}, {"shpss_", hexDigits, 32},
	{"sq0atp-", slugSet, 20}, {"sq0csp-", slugSet, 30}, {"EAAA", slugSet, 50}, // Square
	{"key-", hexDigits, 32},                               // Mailgun
	{"xkeysib-", slugSet, 60}, {"xsmtpsib-", slugSet, 60}, // Brevo
	{"NRAK-", alnum, 20}, {"NRJS-", alnum, 15}, {"NRII-", slugSet, 20}, {"NRBR-", slugSet, 15}, // New Relic
	{"ATATT3", base64Set, 30}, {"ATCTT3", base64Set, 30}, {"ATBB", alnum, 28}, {"ATOA", base64Set, 60}, // Atlassian
	{"dop_v1_", hexDigits, 40}, {"doo_v1_", hexDigits, 40}, {"dor_v1_", hexDigits, 40}, // DigitalOcean
	{"lin_api_", alnum, 30}, {"lin_oauth_", alnum, 30}, {"lin_wh_", alnum, 20}, // Linear
	{"secret_", alnum, 40}, {"ntn_", alnum, 30}, // Notion
	{"sbp_", wordSet, 36}, {"sb_secret_", slugSet, 20}, // Supabase
	{"figd_", slugSet, 30}, {"figo_", slugSet, 30}, {"glsa_", wordSet, 30}, {"glc_", base64Set, 30}, // Figma, Grafana
	{"tskey-", slugSet, 15}, {"PMAK-", slugSet, 40}, {"PMAT-", alnum, 20}, {"pul-", hexDigits, 40}, {"CFPAT-", slugSet, 40},
	{"dp.pt.", alnum, 30}, {"dp.st.", dottedSet, 30}, {"dp.ct.", alnum, 30}, {"dp.sa.", alnum, 30}, // Doppler
	{"pat-na1-", slugSet, 30}, {"pat-eu1-", slugSet, 30}, // HubSpot
	{"nfp_", alnum, 30}, {"pscale_tkn_", dottedSet, 30}, {"pscale_pw_", dottedSet, 30}, {"pscale_oauth_", dottedSet, 30},
	{"pnu_", alnum, 30}, {"rdme_", alnum, 60}, {"sntrys_", base64Set, 40}, {"sntryu_", hexDigits, 40}, {"tfp_", dottedSet, 40},
	{"bkua_", alnum, 30}, {"CCIPAT_", wordSet, 30}, {"CCIPRJ_", wordSet, 30}, {"dt0c01.", dottedSet, 60}, {"dt0s16.", dottedSet, 60},
	{"EZAK", alnum, 54}, {"EZTK", alnum, 54}, {"FLWSECK-", slugSet, 20}, {"FLWSECK_TEST-", slugSet, 12}, {"aio_", alnum, 28},
	{"LTAI", alnum, 16}, {"AKCp", alnum, 60}, {"ico-", alnum, 32}, {"shippo_live_", hexDigits, 40}, {"shippo_test_", hexDigits, 40},
	{"sgp_", wordSet, 40}, {"access-production-", slugSet, 30}, {"access-sandbox-", slugSet, 30}, // Segment or Sourcegraph, Plaid
	{"access_token$production$", dollarSet, 20}, {"access_token$sandbox$", dollarSet, 20}, // Braintree
	{"EAACEdEose0cBA", alnum, 10}, {"AQVN", slugSet, 35}, {"t1.9euel", dottedSet, 60}, {"duffel_live_", slugSet, 40}, {"duffel_test_", slugSet, 40},
	{"fo1_", slugSet, 40}, {"fm1r_", base64Set, 60}, {"fm2_", base64Set, 60}, {"railway_", slugSet, 30}, {"rnd_", alnum, 28}, {"vcp_", alnum, 20},
	{"live_gid_", slugSet, 20}, {"cal_live_", hexDigits, 30}, {"re_", wordSet, 30}, {"phx_", alnum, 40}, {"phc_", alnum, 40},
	{"ops_eyJ", base64Set, 100}, {"A3-", slugSet, 34}, {"mlsn.", alnum, 60}, {"tk-us-", slugSet, 40}, {"HRKU-", slugSet, 36},
	{"ABSK", base64Set, 60}, {"bedrock-api-key-", base64Set, 40}, // Amazon Bedrock
	{"pcsk_", wordSet, 40}, {"tvly-", slugSet, 20}, {"lsv2_pt_", wordSet, 30}, {"lsv2_sk_", wordSet, 30}, {"fw_", alnum, 22}, {"jina_", slugSet, 40},
	{"AccountKey=", base64Set, 20}, {"SharedAccessKey=", base64Set, 20}, // Azure
}

var (
	percentSet    = newCharSet("0-9A-Za-z%_-")
	dollarSet     = newCharSet("0-9A-Za-z_$")
	databricksSet = newCharSet("0-9a-f-")
)

// find returns where the token ends whose prefix stands at [start, end), or 0. A
// token that a line break has cut goes on in the next line.
func (v *vendorToken) find(s string, start, end int) int {
	if s[start:end] != v.prefix || !wordStarts(s, start) || at(s, start-1) == '-' && v.prefix[0] >= 'a' && len(v.prefix) < 5 {
		return 0
	}
	s = s[:min(len(s), end+maxToken)]
	stop := v.set.run(s, end)
	length, line := stop-end, stop
	for next := wrapped(s, stop); next > stop && next < len(s) && v.set[s[next]]; next = wrapped(s, stop) {
		end := v.set.run(s, next)
		if length >= v.length && !goesOn(s, next, end) {
			break
		}
		length += end - next
		stop = end
	}
	for stop > end && (s[stop-1] == '.' || s[stop-1] == '-' && v.set[' ']) {
		stop--
	}
	if length < v.length && v.isCut(s, end, line) {
		return line
	}
	if length < v.length || isSlugOfWords(s[end:stop]) {
		return 0
	}
	return stop
}

// isCut reports that s[i:end], after the prefix, is the beginning of a token that was cut.
func (v *vendorToken) isCut(s string, i, end int) bool {
	rest := s[i:end]
	return len(v.prefix) >= 4 && len(rest) >= 8 && cutAt(s, end) && hasByte(rest, isDigit) &&
		(v.set == hexDigits && hasByte(rest, isLetter) || hasByte(rest, isUpper) && hasByte(rest, isLower))
}

// maxToken bounds a vendor's token.
const maxToken = 2048

// goesOn reports that what stands alone at the beginning of a line is the rest of a
// token, not a word, a number or a name.
func goesOn(s string, i, end int) bool {
	rest := s[i:end]
	return end-i >= 4 && hasByte(rest, isDigit) && hasByte(rest, isLetter) && (strings.IndexByte(rest, '-') < 0 || isScrambled(rest)) &&
		(endsValue(s, end) || isQuote(s[end]) || s[end] == '\\')
}

// isScrambled reports a part between dashes that is longer than words are, and in which
// capitals, small letters and digits are mixed.
func isScrambled(s string) bool {
	for part := range strings.SplitSeq(s, "-") {
		if len(part) >= 12 && hasByte(part, isDigit) && hasByte(part, isUpper) && hasByte(part, isLower) {
			return true
		}
	}
	return false
}

// wrapped returns where the text goes on after a line break at i and the white space
// after it, or i.
func wrapped(s string, i int) int {
	j := i
	if at(s, j) == '=' && lineBreak(s, j+1) > j+1 { // quoted-printable
		j++
	}
	end := lineBreak(s, j)
	if end == j {
		return i
	}
	return skipBlanks(s, end)
}

// isSlugOfWords tells names such as access-production-database-settings from tokens:
// they have no digits.
func isSlugOfWords(s string) bool {
	return !hasByte(s, isDigit) && (!hasByte(s, isUpper) || !hasByte(s, isLower))
}

// vendorRules makes a rule of each token, and of those that need more than a prefix.
func vendorRules() []*rule {
	var list []*rule
	for i := range vendorTokens {
		v := &vendorTokens[i]
		list = append(list, &rule{anchors: []string{lowered(v.prefix)}, find: func(sc *scan, start, end int) {
			if start < sc.tokenEnd {
				return
			}
			if stop := v.find(sc.s, start, end); stop > 0 {
				sc.tokenEnd = stop
				from := start
				if at(sc.s, end-1) == '=' {
					from = end
				}
				sc.conceal(from, stop, Token)
			}
		}})
	}
	return append(list, twilio, telegram, firebase, salesforce, addMask, passwordHash, airtable, azureSecret, terraform, mailchimp, age)
}

func lowered(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] = lower(b[i])
	}
	return string(b)
}

// shape reads runs of exact lengths, each of its set, one after the other, and
// returns where they end, or 0.
func shape(s string, i int, parts ...part) int {
	for _, p := range parts {
		end := p.set.run(s, i)
		if end-i < p.min || p.max > 0 && end-i > p.max {
			return 0
		}
		i = end
		if p.then != 0 {
			if at(s, i) != p.then {
				return 0
			}
			i++
		}
	}
	return i
}

type part struct {
	set      *charSet
	min, max int
	then     byte
}

// twilio: SK and AC with 32 hexadecimal digits; AC… is an account's public id, and
// what follows it after a colon is its auth token.
var twilio = &rule{anchors: []string{"sk", "ac"}, find: func(sc *scan, start, end int) {
	s := sc.s
	if at(s, end-1) > 'Z' || at(s, start) > 'Z' || !wordStarts(s, start) || hexDigits.run(s, end) != end+32 || isAlnum(at(s, end+32)) {
		return
	}
	if s[start] == 'S' {
		sc.conceal(start, end+32, Token)
		return
	}
	token := end + 33
	if c := at(s, end+32); (c == ':' || c == ',' || c == ' ') && hexDigits.run(s, token) == token+32 {
		sc.conceal(token, token+32, Token)
	}
}}

// telegram: a bot's number, a colon, AA and 33 more.
var telegram = &rule{anchors: []string{":aa"}, find: func(sc *scan, start, end int) {
	number := start
	for number > 0 && isDigit(sc.s[number-1]) {
		number--
	}
	stop := slugSet.run(sc.s, end)
	if n := start - number; n >= 6 && n <= 12 && stop-start >= 33 && stop-start <= 40 && sc.s[end-1] == 'A' {
		sc.conceal(number, stop, Token)
	}
}}

// discord reports where a bot token that begins at i ends, or 0: three parts, the
// first of which is a number in base64.
func discord(s string, i int) int {
	if c := at(s, i); c != 'M' && c != 'N' && c != 'O' {
		return 0
	}
	return shape(s, i, part{slugSet, 23, 28, '.'}, part{slugSet, 6, 6, '.'}, part{slugSet, 27, 45, 0})
}

// firebase: a sender in base64, a colon, APA91b and 134 more.
var firebase = &rule{anchors: []string{":apa91b"}, find: func(sc *scan, start, end int) {
	if stop := slugSet.run(sc.s, end); stop-end >= 80 {
		sc.conceal(slugSet.runBack(sc.s, start), stop, Token)
	}
}}

// salesforce: an organisation's id, an exclamation mark and the session.
var salesforce = &rule{anchors: []string{"00d"}, find: func(sc *scan, start, _ int) {
	id := alnum.run(sc.s, start)
	if n := id - start; (n != 15 && n != 18) || at(sc.s, id) != '!' || !wordStarts(sc.s, start) {
		return
	}
	if stop := dottedSet.run(sc.s, id+1); stop-id > 40 {
		sc.conceal(start, stop, Token)
	}
}}

// addMask finds what a workflow of GitHub was told to conceal in its logs.
var addMask = &rule{anchors: []string{"::add-mask::"}, find: func(sc *scan, _, end int) {
	sc.concealIf(value{start: end, end: lineEnd(sc.s, end)}, claim{Secret, anything})
}}

// passwordHash finds what crypt(3) and its successors keep of a password.
var passwordHash = &rule{
	anchors: []string{"$1$", "$5$", "$6$", "$y$", "$7$", "$apr1$", "$2a$", "$2b$", "$2y$", "$argon2", "$pbkdf2", "$scrypt$", "pbkdf2_sha", "{sha}", "{ssha}", "{ssha256}", "{ssha512}"},
	find: func(sc *scan, start, end int) {
		stop := hashSet.run(sc.s, end)
		for stop > end && strings.IndexByte(".,=", sc.s[stop-1]) >= 0 && sc.s[stop-1] != '=' {
			stop--
		}
		if v := sc.s[end:stop]; len(v) >= 24 && hasByte(v, isDigit) && hasByte(v, isLetter) && (sc.s[start] == '{' || strings.IndexByte(v, '$') >= 0 || len(v) >= 50) {
			sc.conceal(start, stop, Password)
		}
	},
}

var hashSet = newCharSet("0-9A-Za-z./$+=,_-")

var airtable = &rule{anchors: []string{"pat"}, find: func(sc *scan, start, end int) {
	if !wordStarts(sc.s, start) {
		return
	}
	if stop := shape(sc.s, end, part{alnum, 14, 14, '.'}, part{hexDigits, 60, 64, 0}); stop > 0 {
		sc.conceal(start, stop, Token)
	}
}}

// azureSecret: three characters, a digit, Q~ and at least 31 more.
var azureSecret = &rule{anchors: []string{"q~"}, find: func(sc *scan, start, end int) {
	stop := azureSet.run(sc.s, end)
	for stop > end && sc.s[stop-1] == '.' {
		stop--
	}
	from := start - 4
	if from >= 0 && isDigit(sc.s[start-1]) && azureSet.run(sc.s[:start], from) == start && stop-end >= 30 {
		sc.conceal(from, stop, Token)
	}
}}

var azureSet = newCharSet("0-9A-Za-z_.~-")

// terraform: 14 characters, .atlasv1. and at least 60 more.
var terraform = &rule{anchors: []string{".atlasv1."}, find: func(sc *scan, start, end int) {
	if stop := slugSet.run(sc.s, end); stop-end >= 40 {
		sc.conceal(alnum.runBack(sc.s, start), stop, Token)
	}
}}

// mailchimp: 32 hexadecimal digits and the data centre.
var mailchimp = &rule{anchors: []string{"-us"}, find: func(sc *scan, start, end int) {
	from := hexDigits.runBack(sc.s, start)
	stop := end
	for stop < len(sc.s) && isDigit(sc.s[stop]) {
		stop++
	}
	if start-from == 32 && stop > end && stop-end <= 2 && wordStarts(sc.s, from) && !slugSet[at(sc.s, stop)] {
		sc.conceal(from, stop, Token)
	}
}}

// age: secret keys are written in capitals, classic and post-quantum.
var age = &rule{anchors: []string{"age-secret-key-", "age-plugin-"}, find: func(sc *scan, start, end int) {
	if stop := slugSet.run(sc.s, end); stop-end >= 40 {
		sc.conceal(start, stop, PrivateKey)
	}
}}
