package redact

// rules is every built-in rule. A new one is its own file or a line of a table, its
// examples in testdata, and a line here. What has no anchor stands in scanRuns.
func rules() []*rule {
	list := []*rule{
		forgeries,
		named,
		awsKeyID, spokenSecret,
		jwt, privateKey, privateKeyEnd, puttyKey, derKey, jwk,
		schemes,
		userinfo, goDSN, oracleDSN, signedURL, queryKey, webhook,
		email, curlUser, identified, commandPassword, secureString,
		passwordFile, shadowFile, mavenMaster, opensshKey,
		percentEncoded, references, quotedPrintable, zipped,
	}
	list = append(list, awsTokens...)
	return append(list, vendorRules()...)
}
