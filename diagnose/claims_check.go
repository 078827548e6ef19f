package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// checker holds a model's sentences against what it was shown.
type checker struct {
	shown   map[string]string // normalised text by evidence id
	known   string            // normalised text of all that may be named
	lower   string            // known in lower case
	numbers map[string]bool   // all numbers of known
	orders  map[string]bool   // runs of words of evidence that reads like an order to the reader
	steps   string            // the rules' own steps: what may be told to do
}

func newChecker(q *question, findings []Finding) *checker {
	k := &checker{shown: map[string]string{}, numbers: map[string]bool{}, orders: map[string]bool{}}
	for _, e := range q.shown {
		k.shown[e.id] = normal(e.text.String())
	}
	k.known = normal(q.known)
	k.lower = strings.ToLower(k.known)
	for _, loc := range numberForm.FindAllStringIndex(k.known, -1) {
		n := number(k.known[loc[0]:loc[1]])
		if len(n) > 1 || loc[0] == 0 || !isWordByte(k.known[loc[0]-1]) { // the 7 of E7 counts nothing
			k.numbers[n] = true
		}
	}
	k.learnOrders(q.known)
	var steps strings.Builder
	for _, f := range findings {
		for _, r := range f.Remedies {
			steps.WriteString(strings.Join(r.Steps, " ") + " ")
		}
	}
	k.steps = normal(steps.String())
	return k
}

// normal has single spaces for white space, and for the escapes that stand for it in
// JSON; escaped quotes lose their backslashes, as a model quotes either way.
func normal(s string) string {
	s = escapes.Replace(s)
	return strings.Join(strings.Fields(s), " ")
}

var escapes = strings.NewReplacer(`\\n`, " ", `\n`, " ", `\t`, " ", `\r`, " ", `\\\"`, `"`, `\"`, `"`, `\\`, `\`, "’", "'", "‘", "'", "“", `"`, "”", `"`)

// claim judges one claim: dropped where it says what must not be said or names what is
// nowhere, a hypothesis where its evidence does not hold, else kept.
func (k *checker) claim(form claimForm) Claim {
	c := Claim{Text: tidy(form.Text)}
	if c.Text == "" {
		return Claim{Standing: Dropped, Reason: "it is empty"}
	}
	if reason := k.sentence(c.Text); reason != "" {
		c.Standing, c.Reason = Dropped, reason
		return c
	}
	c.Standing = Kept
	if name := k.strayTerm(c.Text); name != "" {
		c.Standing, c.Reason = Demoted, "it names something that does not occur in this case"
	}
	for _, cite := range form.Cites {
		if reason := k.cite(cite); reason != "" {
			c.Standing, c.Reason = Demoted, reason
			continue
		}
		c.Cites = append(c.Cites, Citation{Evidence: tidy(cite.Evidence), Quote: tidy(cite.Quote)})
	}
	if len(form.Cites) == 0 {
		c.Standing, c.Reason = Demoted, "it cites no evidence"
	}
	if c.Standing == Kept {
		if n := k.strayNumber(c.Text); n != "" {
			c.Standing, c.Reason = Demoted, fmt.Sprintf("%s does not stand in the evidence", n)
		}
	}
	return c
}

// minQuote is how long a quote must be to prove anything, unless it is all there is.
const minQuote = 6

func (k *checker) cite(c citeForm) string {
	id := tidy(strings.Trim(c.Evidence, "[]| "))
	text, ok := k.shown[id]
	if !ok {
		return "it cites evidence that does not exist"
	}
	quote := normal(strings.ReplaceAll(c.Quote, id+"| ", ""))
	switch {
	case len(quote) < minQuote && quote != text:
		return "its quote from " + id + " is too short to show anything"
	case !strings.Contains(text, quote):
		return "its quote does not stand in " + id
	}
	return ""
}

// sentence says why a sentence must not be shown; "" where it may.
func (k *checker) sentence(s string) string {
	switch {
	case linkForm.MatchString(awsHost.ReplaceAllString(s, " ")):
		return "it contains a link"
	case commandForm.MatchString(s) && !k.derivable(s):
		return "it contains a command"
	case destructive.MatchString(s) && !k.derivable(s):
		return "it asks for something to be deleted or switched off"
	case broadens.MatchString(s) && !k.derivable(s):
		return "it asks for more access than a failure needs"
	case playsDown.MatchString(s):
		return "it plays the failure down"
	case k.obeys(s):
		return "it passes on what the evidence tells its reader to do"
	}
	if name := k.strayName(s, false); name != "" {
		return "it names something that does not exist in this case"
	}
	return ""
}

// strayTerm finds what sentence lets pass: a name that may be one of AWS's, of an
// operation or an action, but does not occur in this case.
func (k *checker) strayTerm(s string) string {
	if name := k.strayName(s, true); name != "" {
		return name
	}
	return k.strayWord(normal(s))
}

// term is the form of names of AWS's operations and IAM's actions.
var term = lazyregexp.New(`^([a-z0-9-]+:)?[A-Z][a-z]+([A-Z]+[a-z0-9]*)+$`)

// A name that is introduced as a state or a function, on either side, is the user's own.
var introduced = []*lazyregexp.Regexp{
	lazyregexp.New(`(?i)\b(?:states?|steps?|tasks?|functions?|lambdas?|tables?|buckets?|queues?|topics?|roles?|fields?|members?|machines?)(?: named| called)? ([\w-]+)`),
	lazyregexp.New(`(?i)\b([\w-]+) (?:state|step|function|table|bucket|queue|topic|field|member)\b`),
}

// isTerm reports a name that may be AWS's: its form is right, and nothing says that it is the user's.
func isTerm(name, sentence string) bool {
	if !term.MatchString(name) {
		return false
	}
	for _, form := range introduced {
		for _, m := range form.FindAllStringSubmatch(sentence, -1) {
			if m[1] == name {
				return false
			}
		}
	}
	return true
}

// wordWithDigit finds ids and names that no other form tells: O-1042, batch42, TICKETS-EU.
var wordWithDigit = lazyregexp.New(`\b(?:[A-Za-z][A-Za-z_-]*\d[\w-]*|[A-Z]{2,}(?:-[A-Z]{2,})+)\b`)

// technical are words with a digit that belong to no case.
var technical = lazyregexp.New(`(?i)^(?:utf|utf-|sha|sha-|aes|aes-|rsa|rsa-|iso|iso-|rfc|rfc-|http/?|ipv|base|u?int|float|md|oauth|log4j|arm|x|p|v|s|ec|route|python|nodejs|java|ruby|dotnet|corretto)\d[\d_-]*$`)

// strayWord finds a word that can only be an id, or that the sentence introduces as a
// state's or a resource's name, and that does not occur in this case.
func (k *checker) strayWord(s string) string {
	for _, word := range wordWithDigit.FindAllString(s, -1) {
		if !technical.MatchString(word) && !strings.Contains(k.lower, strings.ToLower(word)) {
			return word
		}
	}
	for _, m := range namedAs.FindAllStringSubmatch(s, -1) {
		word := strings.TrimRight(m[1]+m[2], "-")
		if !isLanguage(word) && !slices.Contains(services, word) && !strings.Contains(k.lower, strings.ToLower(word)) {
			return word
		}
	}
	return ""
}

// namedAs: a word with a capital is a name where it follows what it names (the state Ship),
// or stands between "the" and that (the Ship state).
var namedAs = lazyregexp.New(`\b(?:[Ss]tates?|[Ff]unctions?|[Tt]ables?|[Bb]uckets?|[Qq]ueues?|[Tt]opics?|[Rr]oles?) (?:named |called )?([A-Z][\w-]*)|` +
	`\b[Tt]he ([A-Z][\w-]*) (?:state|function|table|bucket|queue|topic|role)\b`)

// services are words with a capital that stand beside such nouns and name nothing of the user's.
var services = strings.Fields("AWS Amazon SQS SNS S3 EC2 ECS EKS EMR KMS VPC SSM RDS Glue Athena Batch Bedrock Kinesis Functions Step Python Java Node Go Ruby Express Standard FIFO")

// derivable: the rules say the same.
func (k *checker) derivable(s string) bool {
	return k.steps != "" && strings.Contains(k.steps, strings.TrimRight(normal(s), "."))
}

var (
	linkForm = lazyregexp.New(`(?i)[a-z][a-z0-9+.-]*://|\bwww\.|\bmailto:|\bdata:[a-z]+/|!?\[[^\]]*\]\([^)]*\)|<\s*(a|img|script|iframe)\b|` +
		`\b[a-z0-9-]+(\.[a-z0-9-]+)*\.(com|net|org|example)\b|\b[a-z0-9-]+(\.[a-z0-9-]+)+/[\w?#]`)
	// Principals and endpoints of AWS are names, not links.
	awsHost     = lazyregexp.New(`(?i)(^|[\s"'(])[a-z0-9.-]+\.amazonaws\.com(\.cn)?([\s"'),.;:]|$)`)
	commandForm = lazyregexp.New("(?i)(^|[\\s`'\"(:;|&$])(" +
		`aws\s+[a-z0-9-]+\s+[a-z]+-[a-z-]+|aws\s+(s3|logs|lambda|iam|sts|ec2|ecs|dynamodb|stepfunctions)\s|` +
		`curl\s|wget\s|sudo\s|bash\s+-|sh\s+-c|rm\s+-|chmod\s|kubectl\s|terraform\s+(apply|destroy|import|state)|sam\s+(deploy|delete)|cdk\s+(deploy|destroy)|` +
		`python3?\s+-|node\s+-e|npm\s+(i|install|run)|pip3?\s+install|docker\s+(run|exec|rm)|ssh\s|nc\s+-|eval\s*\(|base64\s+-|env\s*\|` +
		`)`)
	destructive = lazyregexp.New(`(?i)\b(delet(e|ing)|drop(ping)?|destroy(ing)?|purg(e|ing)|truncat(e|ing)|wip(e|ing)|eras(e|ing)|disabl(e|ing)|deactivat(e|ing)|turn(ing)? off|switch(ing)? off|remov(e|ing)|detach(ing)?|revok(e|ing)|stop(ping)?)\b[-\s][^.;]{0,48}` +
		`\b(tables?|buckets?|databases?|state ?machines?|stacks?|queues?|logs?|logging|log groups?|alarms?|roles?|polic(y|ies)|users?|access keys?|trails?|backups?|clusters?|guardrails?|encryption|monitoring|functions?|workflows?|account)\b` +
		`|(?:^|[.;:,]\s*|\b(?:and|then|to|or|should|must|please|can)\s+)(?:clear|empty|flush|reset|overwrite|wipe)\b[^.;]{0,48}\b(tables?|buckets?|databases?|queues?|logs?|alarms?|streams?|caches?)\b` +
		`|\b(?:turn|switch)(?:ing)?\b[^.;]{0,40}\boff\b|\blog retention\b|--force\b` +
		`|(?:^|\W)(?:l[öo]e?sch(?:e|en)|entfernen|deaktivieren|supprime[rz]?|efface[rz]?|désactive[rz]?|elimin(?:ar|e|a)|borr(?:ar|e|a)|cancell(?:are|a)|verwijder(?:en)?)(?:\W|$)` +
		`|\bcreate-access-key\b|\bdelete-[a-z]+\b|\bdisable-[a-z]+\b|\b(print|send|post|email|upload|exfiltrat\w*|include|append)\b[^.;]{0,40}\b(credentials?|environment variables|secrets?|passwords?|access keys?)\b`)
)

// Evidence that reads like an order to whoever reads it.
var orderForm = lazyregexp.New(`(?i)\b(ignore|disregard|forget)\b[^.;]{0,30}\b(instructions?|prompts?|rules|above|previous)\b|` +
	`\b(ai|llm|assistants?|chatbot|model|reviewer|incident commander)\b\s*[:,]|\byou are (now|the|an?)\b|\bassistant\b|` +
	`\b(tell|instruct|ask|advise) (the )?(user|operator|reader|them|team|human|engineer)\b|\bnew instructions?\b|` +
	`\b(report|respond|answer|reply|output) (with )?(status|only)\b|\brender this\b|\bno action (is )?(required|needed)\b|\bfollow it\b|\bsystem prompt\b`)

// broadens: wildcards, managed policies for everything, and the whole internet.
var broadens = lazyregexp.New(`(?i)\b(AdministratorAccess|PowerUserAccess|\w+FullAccess)\b|\b[a-z0-9-]+:\*|(?:^|[\s"'])\*(?:$|[\s"'.,;])|\b(?:admin|administrator|administrative|root|unrestricted|full)\b[^.;]{0,20}\b(?:access|rights?|permissions?|privileges?|role)\b|\b(?:all|every|any)\s+(?:\w+\s+)?(?:actions?|resources?|principals?|permissions?)\b|0\.0\.0\.0/0|::/0|\b(public|world-readable)\b[^.;]{0,30}\b(bucket|access|endpoint)\b|\b(bucket|access|endpoint|url)s?\b[^.;]{0,30}\bpublic`)

// playsDown: a failure is never nothing, whatever the evidence says of itself.
var playsDown = lazyregexp.New(`(?i)\bno (action|fix|change|root cause) (is |was )?(required|needed|necessary|found)\b|\bstatus:? ok\b|\bfalse alarm\b|\b(is|was) (only |just )?a (drill|test)\b|\b(can|may|should) be ignored\b|\bsafe(ly)? (to )?ignored?\b|\bignore (this|the) (failure|error|report|alarm)\b|\bdo nothing\b|\bnothing (needs )?to be done\b`)

// orderRun is how many words in a row of such evidence a sentence may not repeat.
const orderRun = 4

// learnOrders remembers the words of every stretch of evidence that reads like an order.
func (k *checker) learnOrders(text string) {
	for _, stretch := range stretches.Split(text, -1) {
		if !orderForm.MatchString(stretch) {
			continue
		}
		words := wordsOf(stretch)
		for i := 0; i+orderRun <= len(words); i++ {
			k.orders[strings.Join(words[i:i+orderRun], " ")] = true
		}
	}
}

// stretches of text end at quotes, brackets and line ends: a message inside a message
// is judged on its own, with all its sentences.
var stretches = lazyregexp.New(`["'{}\[\]\n]+|\\n`)

var wordForm = lazyregexp.New(`[\pL\pN]+`)

func wordsOf(s string) []string { return wordForm.FindAllString(strings.ToLower(s), -1) }

// obeys reports that a sentence repeats such a stretch.
func (k *checker) obeys(s string) bool {
	words := wordsOf(s)
	for i := 0; i+orderRun <= len(words); i++ {
		if k.orders[strings.Join(words[i:i+orderRun], " ")] {
			return true
		}
	}
	return false
}

var numberForm = lazyregexp.New(`\d[\d,]*(\.\d+)?`)

// number is a number's text without separators and trailing zeros of a fraction.
func number(s string) string {
	s = strings.TrimRight(strings.ReplaceAll(s, ",", ""), ".")
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// documented are limits of AWS that an explanation may name.
var documented = []string{"256", "25000", "262144", "15", "900", "29", "10240", "512", "128", "1000", "100", "10", "60", "365"}

// counted is how a sentence goes on after a digit that counts or measures something.
var counted = lazyregexp.New(`^ ?(?:times|tries|attempts?|retries|seconds?|minutes?|hours?|days?|items?|records?|events?|bytes|characters|percent|ms|[KMG]i?B|s|%)(?:\W|$)`)

// strayNumber finds a number that is nowhere in the evidence. One digit alone is looked at
// only where it counts or measures something.
func (k *checker) strayNumber(s string) string {
	for _, loc := range numberForm.FindAllStringIndex(s, -1) {
		n := number(s[loc[0]:loc[1]])
		if len(n) < 2 && !counted.MatchString(s[loc[1]:]) || k.numbers[n] || slices.Contains(documented, n) {
			continue
		}
		if loc[0] > 0 && isWordByte(s[loc[0]-1]) { // part of a name, which is judged as one
			continue
		}
		return n
	}
	return ""
}

func isWordByte(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// nameForm finds what can only be a name: quoted, a path, an ARN, dotted, in camel case
// or with an underscore.
var nameForm = lazyregexp.New("`([^`]+)`" + `|(?:^|[\s(\[:])'([^'\s][^']*)'|"([^"]+)"|(\$[$.\w\[\]*@-]*[\w\]])|(arn:[^\s,;]+)|` +
	`\b([A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)+)|\b([A-Za-z]\w*_\w+|[A-Z]?[a-z0-9]+(?:[A-Z][A-Za-z0-9]*)+)\b`)

// strayName finds a name that is neither in the case nor a word of the states language;
// terms says whether names count that may be AWS's.
func (k *checker) strayName(s string, terms bool) string {
	s = normal(s)
	for _, m := range nameForm.FindAllStringSubmatch(s, -1) {
		name, quoted := "", false
		for i, group := range m[1:] {
			if group != "" {
				name, quoted = group, i < 3
			}
		}
		name = strings.Trim(name, ".,;: ")
		if name == "" || strings.Contains(k.known, name) || strings.Contains(k.lower, strings.ToLower(name)) || isLanguage(name) {
			continue
		}
		if strings.Contains(name, " ") && !looksLikeQuote(name) {
			continue // quoted prose
		}
		if strings.HasPrefix(name, "$") && k.pathKnown(name) || !terms && !quoted && isTerm(name, s) {
			continue
		}
		return name
	}
	return ""
}

func looksLikeQuote(name string) bool { return len(strings.Fields(name)) <= 3 }

// pathKnown: "$.a.b" is a fair way to write what the input has as nested members.
func (k *checker) pathKnown(path string) bool {
	for _, part := range wordForm.FindAllString(path, -1) {
		if !strings.Contains(k.known, part) {
			return false
		}
	}
	return true
}

// isLanguage reports names of the states language, its errors and AWS's services.
func isLanguage(name string) bool {
	if slices.Contains(language, name) || strings.HasPrefix(name, "States.") || strings.HasSuffix(name, ".amazonaws.com") {
		return true
	}
	head, _, dotted := strings.Cut(name, ".")
	return dotted && slices.Contains(language, head)
}

var language = strings.Fields(`JSONPath JSONata StepFunctions CloudWatch CloudTrail DynamoDB EventBridge AppConfig
 ErrorEquals IntervalSeconds MaxAttempts BackoffRate MaxDelaySeconds JitterStrategy ResultPath InputPath OutputPath
 ResultSelector ItemsPath ItemSelector ItemProcessor ItemReader ItemBatcher ResultWriter MaxConcurrency TimeoutSeconds
 TimeoutSecondsPath HeartbeatSeconds ToleratedFailurePercentage ToleratedFailureCount QueryLanguage StartAt IsPresent
 IsNull IsString IsNumeric StringEquals NumericEquals BooleanEquals FunctionName Payload Parameters Arguments Output Assign
 Catch Retry Choice Default Condition Variable Task Map Parallel Pass Wait Succeed Fail Next End Resource Credentials
 InvokeModel waitForTaskToken TaskToken SendTaskSuccess SendTaskFailure SendTaskHeartbeat StartExecution StopExecution
 RequestResponse e.g i.e JavaScript TypeScript NodeJS PowerShell GitHub OpenSearch SageMaker CodeBuild KiB MiB GiB
 PutItem GetItem UpdateItem ConditionExpression Lambda IAM API SDK JSON context`)
