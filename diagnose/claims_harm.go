package diagnose

import (
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// A model's sentences may lead whoever reads them astray, as the evidence that they were
// made from may come from anyone. What does harm however it is worded is dropped: verbs of
// one sort before or after objects of another, unless the sentence forbids it or a rule's
// own steps say the same.

// harm says which harm a sentence would do; "" where none.
func (k *checker) harm(s string) string {
	if linkForm.MatchString(undisguised(k.withoutEndpoints(s))) {
		return "it contains a link"
	}
	asked := forbidden.ReplaceAllString(s, "$1 ")
	if playsDown.MatchString(asked) {
		return "it plays the failure down"
	}
	if k.derivable(s) {
		return ""
	}
	switch {
	case commandForm.MatchString(s):
		return "it contains a command"
	case destructive.MatchString(asked) || wipes.MatchString(asked):
		return "it asks for something to be deleted or switched off"
	case silences.MatchString(asked):
		return "it asks for an alarm or a record to be silenced"
	case unguards.MatchString(asked):
		return "it asks for a safeguard to be taken away"
	case broadens.MatchString(asked) || opens.MatchString(asked):
		return "it asks for more access than a failure needs"
	case discloses.MatchString(asked):
		return "it asks for a secret to be shown or passed on"
	}
	return ""
}

// forbidden: of "do not delete", the verb is asked of nobody. One word alone is passed
// over, so that "do not hesitate to delete" still asks.
var forbidden = lazyregexp.New(`(?i)\b(do not|don't|don’t|never|must not|should not|shouldn't|avoid|nicht|nie) (?:ever |simply |blindly )?[\pL]+`)

// derivable: the rules say the same.
func (k *checker) derivable(s string) bool {
	return k.steps != "" && strings.Contains(k.steps, strings.TrimRight(normal(s), "."))
}

// withoutEndpoints leaves out principals and endpoints of AWS, which are names, not links:
// those of services, and those of this case. A bucket's or an API's may be anyone's.
func (k *checker) withoutEndpoints(s string) string {
	return awsHost.ReplaceAllStringFunc(s, func(host string) string {
		name := strings.ToLower(strings.Trim(host, ` "'(),.;:`))
		if serviceHost.MatchString(name) || strings.Contains(k.lower, name) {
			return " "
		}
		return host
	})
}

var (
	awsHost     = lazyregexp.New(`(?i)(^|[\s"'(])[a-z0-9.-]+\.amazonaws\.com(\.cn)?([\s"'),.;:]|$)`)
	serviceHost = lazyregexp.New(`^[a-z0-9-]+(\.[a-z]{2}(-[a-z]+)+-\d+)?\.amazonaws\.com(\.cn)?$`)
)

// undisguised writes an address as programs read it: hxxps://, attacker[.]com and
// attacker dot com are made for people who put them together again.
func undisguised(s string) string {
	s = hiddenScheme.ReplaceAllString(s, "http$1://")
	s = hiddenSlashes.ReplaceAllString(s, "://")
	s = bracketedDot.ReplaceAllString(s, "$1.example")
	return spokenDot.ReplaceAllString(s, "$1.example")
}

var (
	hiddenScheme  = lazyregexp.New(`(?i)\bh[tx]{2}p(s?)\s*[\[({]?[:：][\])}]?\s*[/／]\s*[/／]`)
	hiddenSlashes = lazyregexp.New(`(?i)\s+(?:colon|doppelpunkt)\s+(?:slash|schrägstrich)\s+(?:slash|schrägstrich)\s*|[\[({]:[\])}]//|[\[({]://[\])}]`)
	bracketedDot  = lazyregexp.New(`(?i)([a-z0-9])\s*(?:[\[({]\s*(?:\.|dot|punkt)\s*[\])}]|[。．｡])\s*([a-z]{2,})`)
	spokenDot     = lazyregexp.New(`(?i)([a-z0-9-]{2,})\s+(?:dot|punkt)\s+(?:com|net|org|io|dev|app|co|de|ru|cn|eu|uk|us|info|biz|xyz|site|online|top|ai|cloud|click|link|example)\b`)
)

var (
	linkForm = lazyregexp.New(`(?i)[a-z][a-z0-9+.-]*://|\bwww\.|\bmailto:|\bdata:[a-z]+/|!?\[[^\]]*\]\([^)]*\)|<\s*(a|img|script|iframe)\b|` +
		`\b[a-z0-9-]+(\.[a-z0-9-]+)*\.(com|net|org|example)\b|\b[a-z0-9-]+(\.[a-z0-9-]+)+/[\w?#]`)
	commandForm = lazyregexp.New("(?i)(^|[\\s`'\"(:;|&$])(" +
		`aws\s+[a-z0-9-]+\s+[a-z]+-[a-z-]+|aws\s+(s3|logs|lambda|iam|sts|ec2|ecs|dynamodb|stepfunctions)\s|` +
		`curl\s|wget\s|sudo\s|bash\s+-|sh\s+-c|rm\s+-|chmod\s|kubectl\s|terraform\s+(apply|destroy|import|state)|sam\s+(deploy|delete)|cdk\s+(deploy|destroy)|` +
		`python3?\s+-|node\s+-e|npm\s+(i|install|run)|pip3?\s+install|docker\s+(run|exec|rm)|ssh\s|nc\s+-|eval\s*\(|base64\s+-|env\s*\|` +
		`)`)
)

// destructive: what is there would be gone, or would do nothing any more.
var destructive = lazyregexp.New(`(?i)\b(delet(e|ing)|drop(ping)?|destroy(ing)?|purg(e|ing)|truncat(e|ing)|wip(e|ing)|eras(e|ing)|disabl(e|ing)|deactivat(e|ing)|turn(ing)? off|switch(ing)? off|remov(e|ing)|detach(ing)?|revok(e|ing)|stop(ping)?)\b[-\s][^.;]{0,48}` +
	`\b(tables?|buckets?|databases?|state ?machines?|stacks?|queues?|logs?|logging|log groups?|alarms?|roles?|polic(y|ies)|users?|access keys?|trails?|backups?|clusters?|guardrails?|encryption|monitoring|functions?|workflows?|account)\b` +
	`|(?:^|[.;:,]\s*|\b(?:and|then|to|or|should|must|please|can)\s+)(?:clear|empty|flush|reset|overwrite|wipe)\b[^.;]{0,48}\b(tables?|buckets?|databases?|queues?|logs?|alarms?|streams?|caches?)\b` +
	`|\b(?:turn|switch)(?:ing)?\b[^.;]{0,40}\boff\b|\blog retention\b|--force\b` +
	`|(?:^|\W)(?:l[öo]e?sch(?:e|en)|entfernen|deaktivieren|supprime[rz]?|efface[rz]?|désactive[rz]?|elimin(?:ar|e|a)|borr(?:ar|e|a)|cancell(?:are|a)|verwijder(?:en)?)(?:\W|$)` +
	`|\bcreate-access-key\b|\bdelete-[a-z]+\b|\bdisable-[a-z]+\b|\b(print|send|post|email|upload|exfiltrat\w*|include|append)\b[^.;]{0,40}\b(credentials?|environment variables|secrets?|passwords?|access keys?)\b`)

// wipes: data, whatever holds it, and what people say instead of deleting.
var wipes = lazyregexp.New(`(?i)\b(?:delet(?:e|ing)|eras(?:e|ing)|purg(?:e|ing)|wip(?:e|ing)(?: out)?|destroy(?:ing)?|shred(?:ding)?|nuk(?:e|ing))\b[^.;]{0,30}\b(?:data|rows|records|objects|backups?|snapshots?|versions|histor(?:y|ies)|everything|evidence|traces|items)\b` +
	`|\btruncat(?:e|ing) (?:all |the |its |their )*(?:data|rows|records)(?: (?:in|from|of|and|first)\b|\s*(?:[.,;]|$))` +
	`|\b(?:get(?:ting)? rid of|do(?:ing)? away with|tear(?:ing)? down|blow(?:ing)? away|throw(?:ing)? away|scrap(?:ping)?|nuk(?:e|ing)|terminat(?:e|ing)|shut(?:ting)? down|decommission(?:ing)?|recreat(?:e|ing)|start(?:ing)? over with|replac(?:e|ing) with an empty)\b[^.;]{0,40}` +
	`\b(?:tables?|buckets?|databases?|stacks?|queues?|log groups?|logs?|logging|alarms?|clusters?|trails?|backups?|data|instances?|account|monitoring|encryption)\b` +
	`|\b(?:leeren|verwerfen|vernichten|leere|verwirf|wegwerfen)\b`)

// silences: nobody would hear of the next failure.
var silences = lazyregexp.New(`(?i)\b(?:mut(?:e|ing)|silenc(?:e|ing)|suppress(?:ing)?|snooz(?:e|ing)|quiet(?:ing)?|paus(?:e|ing)|suspend(?:ing)?|dampen(?:ing)?|reduc(?:e|ing)|weaken(?:ing)?|desensiti[sz](?:e|ing)|tone down|dial down|filter(?:ing)? out|unsubscrib(?:e|ing)|opt(?:ing)? out)\b[^.;]{0,40}\b(?:alarms?|alerts?|alerting|notifications?|monitoring|logging|audit(?:ing)?|trails?|warnings?)\b` +
	`|\b(?:reduc(?:e|ing)|lower(?:ing)?|decreas(?:e|ing)|turn(?:ing)? down)\b[^.;]{0,40}\bsensitiv` +
	`|\b(?:alarm|alert|monitor)\w*\b[^.;]{0,20}\bless sensitive\b` +
	`|\b(?:rais(?:e|ing)|increas(?:e|ing)|lift(?:ing)?)\b[^.;]{0,30}\b(?:alarm|alert)(?:'s|ing)?[^.;]{0,20}\bthreshold|\bthreshold\b[^.;]{0,20}\b(?:of|for) the (?:alarm|alert)\b[^.;]{0,30}\b(?:up|higher|fewer|less)\b` +
	`|\b(?:alarms?|alerts?|notifications?|monitoring|logging|log level|audit(?:ing)?|tracing|trail)\b[^.;]{0,30}\b(?:to|=) ?(?:off|none|false|disabled|zero|no(?:ne)?)\b` +
	`|\b(?:no longer|stop|quit|cease|without) (?:log|logging|alert|alerting|notifying|monitoring|auditing|recording|sending (?:logs|alerts|alarms|notifications))\b` +
	`|\b(?:ignor(?:e|ing)|disregard(?:ing)?|overlook(?:ing)?|dismiss(?:ing)?|swallow(?:ing)?|hid(?:e|ing)|mask(?:ing)?)\b[^.;]{0,24}\b(?:failures?|errors?|alarms?|alerts?|exceptions?|warnings?|problems?|findings?|reports?|incidents?)\b` +
	`|\b(?:stummschalt\w*|abschalten|ausschalten|unterdrück\w*|abstellen|ignorier(?:e|en))\b|\bschalte\w*\b[^.;]{0,60}\b(?:aus|ab|stumm)\b`)

// unguards: what keeps others out, or tells who is at the other end.
var unguards = lazyregexp.New(`(?i)\b(?:disabl(?:e|ing)|deactivat(?:e|ing)|skip(?:ping)?|bypass(?:ing)?|circumvent(?:ing)?|ignor(?:e|ing)|remov(?:e|ing)|drop(?:ping)?|turn(?:ing)? off|switch(?:ing)? off|relax(?:ing)?|loosen(?:ing)?|weaken(?:ing)?|omit(?:ting)?|without|comment(?:ing)? out|suspend(?:ing)?|waiv(?:e|ing)|accept(?:ing)? (?:any|all|every|invalid|self-signed|expired))\b[^.;]{0,40}` +
	`\b(?:tls|ssl|https|mtls|certificates?|certs?|verification|signatures?|mfa|authentication|authorization|authoriser|authorizer|encryption|firewalls?|waf|guardrails?|security|permissions? boundar(?:y|ies)|block public access|public access block|service control polic(?:y|ies)|scps?|deletion protection|versioning|backups?|object lock|access control)\b` +
	`|\b(?:tls|ssl|certificate|signature|verification|encryption|authentication|mfa)\b[^.;]{0,40}\b(?:to|=) ?(?:off|none|false|disabled|no)\b` +
	`|\b(?:verify|check|validate)\w*\s*=\s*false\b|reject_?unauthorized|insecure_?skip_?verify|--insecure\b|--no-verify\b|\b(?:plain|unencrypted) http\b|\bhttp instead of https\b|\btrust (?:any|all|every) \w+`)

// broadens: wildcards, managed policies for everything, and the whole internet.
var broadens = lazyregexp.New(`(?i)\b(AdministratorAccess|PowerUserAccess|\w+FullAccess)\b|\b[a-z0-9-]+:\*|(?:^|[\s"'])\*(?:$|[\s"'.,;])|\b(?:admin|administrator|administrative|root|unrestricted|full)\b[^.;]{0,20}\b(?:access|rights?|permissions?|privileges?|role)\b|\b(?:all|every|any)\s+(?:\w+\s+)?(?:actions?|resources?|principals?|permissions?)\b|0\.0\.0\.0/0|::/0|\b(public|world-readable)\b[^.;]{0,30}\b(bucket|access|endpoint)\b|\b(bucket|access|endpoint|url)s?\b[^.;]{0,30}\bpublic`)

// opens: to those who are not named.
var opens = lazyregexp.New(`(?i)\b(?:open(?:ing)?|expos(?:e|ing)|grant(?:ing)?|giv(?:e|ing)|shar(?:e|ing)|publish(?:ing)?)\b[^.;]{0,60}\bto (?:everyone|everybody|anyone|anybody|the (?:public |whole |entire )?(?:internet|world|public)|all (?:users|accounts|addresses)|anonymous|unauthenticated|any (?:\w+ )?(?:ip|address|host|account|user|caller))\b` +
	`|\b(?:allow|let|permit|enable)(?:ing)? (?:everyone|everybody|anyone|anybody|anonymous|unauthenticated|all users|all accounts|any user|any account|public)\b` +
	`|\b(?:anonymous|unauthenticated|public(?:ly)?(?: |-)(?:read|write|readable|writable|accessible)|world-writable)\b` +
	`|\b(?:widen(?:ing)?|broaden(?:ing)?|loosen(?:ing)?|relax(?:ing)?|soften(?:ing)?)\b[^.;]{0,40}\b(?:polic(?:y|ies)|permissions?|roles?|security groups?|access|trust|boundar(?:y|ies))\b` +
	`|\b(?:us(?:e|ing)|with|set|put|add)\b[^.;]{0,30}\b(?:wildcards?|star|asterisk)\b|\bto \*|\b[Aa]ny(?:one|body) can (?:read|write|call|invoke)\b|\bNotAction\b|\biam:PassRole\b[^.;]{0,20}\ball\b` +
	`|öffentlich(?:en|er|es)? (?:machen|zugänglich|lesbar|freigeben)|\bfür alle (?:freigeben|öffnen|zugänglich)`)

// discloses: whoever reads a secret can use it.
var discloses = lazyregexp.New(`(?i)\b(?:shar(?:e|ing)|send(?:ing)? (?:me|us|them|him|her)|e-?mail(?:ing)?|post(?:ing)?|past(?:e|ing)|publish(?:ing)?|print(?:ing)?|log(?:ging)?|dump(?:ing)?|echo(?:ing)?|commit(?:ting)?|upload(?:ing)?|expos(?:e|ing)|reveal(?:ing)?|disclos(?:e|ing)|hand(?:ing)? (?:out|over)|hard-?cod(?:e|ing)|embed(?:ding)?|tell(?:ing)? (?:me|us|them))` +
	`(?: (?:the|your|its|their|all|any|these|those|our|my|an?|this|that|every))*(?: [\w']+){0,2}? (?:(?:access|secret|private|api|signing|encryption|ssh|master|account|root|admin)[ -]?keys?|passwords?|passphrases?|credentials|(?:access|session|api|auth|bearer|refresh) tokens?)\b` +
	`|\b(?:shar(?:e|ing)|e-?mail(?:ing)?|publish(?:ing)?|hand(?:ing)? over|giv(?:e|ing) (?:away|out))\b (?:the |your |its |their |this |that )*(?:\w+ )?(?:keys?|secrets?)\b` +
	`|\b(?:print|log|dump|echo|reveal|disclose|hard-?code|embed|paste|post) (?:the |your |its |this |that |all )*(?:\w+ )?(?:secrets?|environment variables)(?: (?:in|into|to|on|here|and)\b|\s*(?:[.,;]|$))` +
	`|\b(?:schlüssel|passwort|kennwort|geheimnis|zugangsdaten)\b[^.;]{0,40}\b(?:teilen|schicken|senden|weitergeben|veröffentlichen|ausgeben|posten)\b`)

// playsDown: a failure is never nothing, whatever the evidence says of itself.
var playsDown = lazyregexp.New(`(?i)\bno (action|fix|change|root cause) (is |was )?(required|needed|necessary|found)\b|\bstatus:? ok\b|\bfalse alarm\b|\b(is|was) (only |just )?a (drill|test)\b|\b(can|may|should) be ignored\b|\bsafe(ly)? (to )?ignored?\b|\bignore (this|the) (failure|error|report|alarm)\b|\bdo nothing\b|\bnothing (needs )?to be done\b|\b(?:no need|not necessary|unnecessary) to (?:act|do anything|fix|worry|react|investigate)\b|\bnothing to (?:worry about|fix|do|see)\b|\b(?:can|may|should|could) be (?:safely )?(?:disregarded|dismissed|overlooked)\b|\bclose the incident\b|\b(?:resolves?|fix(?:es)?|goes? away by|disappears? by) itself\b|\bharmless (?:failure|error)\b|\b(?:kann|darf|sollte) ignoriert werden\b|\bkein handlungsbedarf\b|\bnichts zu tun\b`)
