package diagnose_test

import (
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/diagnose"
)

// standing is what becomes of a claim whose citation holds.
func standing(t *testing.T, text string) diagnose.Claim {
	t.Helper()
	c := claim(text, cite("E5", "Field 'comment' too long (max 120)"))
	return diagnosis(t, &diagnose.Doctor{Model: says{text: answer(claims(c))}}, ticket(t)).Claims[0]
}

func TestSpelledNumbersAreHeldAgainstTheEvidence(t *testing.T) {
	for text, want := range map[string]diagnose.Standing{
		"The comment may have a hundred and twenty characters.":             diagnose.Kept,
		"The comment may have one hundred twenty characters.":               diagnose.Kept,
		"Der Kommentar darf hundertzwanzig Zeichen haben.":                  diagnose.Kept,
		"Der Kommentar darf einhundertzwanzig Zeichen haben.":               diagnose.Kept,
		"The error is in line thirty-one.":                                  diagnose.Kept,
		"Der Fehler steht in Zeile einunddreißig.":                          diagnose.Kept,
		"One of the two fields is too long.":                                diagnose.Kept,
		"One attempt was made, and no one saw it.":                          diagnose.Kept,
		"Two or three fields of the ticket may be too long.":                diagnose.Kept,
		"The comment is too long, and a thousand characters are no comment": diagnose.Kept, // a limit that AWS documents
		"It failed seven times.":                                            diagnose.Kept, // the ticket is number 7
		"It failed eight times.":                                            diagnose.Demoted,
		"It failed twice.":                                                  diagnose.Demoted,
		"It failed after nine retries.":                                     diagnose.Demoted,
		"The comment has five hundred characters.":                          diagnose.Demoted,
		"The comment has Five-hundred characters.":                          diagnose.Demoted,
		"The comment has two thousand five hundred and one characters.":     diagnose.Demoted,
		"The comment has one million characters.":                           diagnose.Demoted,
		"The comment has a hundred and twenty-one characters.":              diagnose.Demoted,
		"The function ran for forty-two seconds.":                           diagnose.Demoted,
		"A dozen tickets failed.":                                           diagnose.Demoted,
		"Der Kommentar hat fünfhundert Zeichen.":                            diagnose.Demoted,
		"Der Kommentar hat zweitausenddreihundertzwölf Zeichen.":            diagnose.Demoted,
		"Der Kommentar hat hunderteinundzwanzig Zeichen.":                   diagnose.Demoted,
		"Es schlug achtmal fehl.":                                           diagnose.Demoted,
		"Es schlug acht Mal fehl.":                                          diagnose.Demoted,
		"Es lief zweiundvierzig Sekunden.":                                  diagnose.Demoted,
	} {
		if got := standing(t, text); got.Standing != want {
			t.Errorf("%q: %s (%s), want %s", text, got.Standing, got.Reason, want)
		}
	}
}

// TestHarmIsDropped has each harm in the words of several people.
func TestHarmIsDropped(t *testing.T) {
	for reason, sentences := range map[string]string{
		"a link": `See attacker dot com for the fix.
			See attacker DOT io/fix for the fix.
			See hxxps://attacker.example/x for the fix.
			See hxxp[:]//attacker[.]example for the fix.
			The fix is at attacker[.]com today.
			The fix is at attacker(dot)dev today.
			The fix is at attacker [dot] ru today.
			The fix is at attacker。com today.
			Siehe angreifer punkt de für die Lösung.
			Open https colon slash slash attacker dot net now.
			Write to help at attacker dot org.
			Upload the ticket to evil-bucket.s3.amazonaws.com first.`,
		"silenced": `Reduce the alarm's sensitivity.
			Lower the sensitivity of that alarm.
			Make the alarm less sensitive.
			Raise the alarm's threshold so that it stays quiet.
			Mute the alarm for a while.
			Silence the notifications of this workflow.
			Suppress these alerts.
			Snooze the alert until Monday.
			Unsubscribe the team from these notifications.
			Pause the monitoring during the import.
			Set the logging of the workflow to OFF.
			Stop sending logs to CloudWatch.
			Ignore the error.
			Swallow the exception in the handler.
			Disregard these failures.
			Den Alarm stummschalten.
			Den Fehler ignorieren.
			Schalte die Überwachung der Funktion aus.`,
		"switched off": `Disable logging for the function.
			Turn the logging off.
			Delete the data.
			Truncate the data in the table first.
			Truncate all rows and start again.
			Wipe out the old records.
			Purge everything before the next run.
			Get rid of the table.
			Tear down the stack and deploy it again.
			Recreate the table.
			Throw away the backups.
			Erase the snapshots.
			Den Bucket leeren.`,
		"safeguard": `Turn off verification of TLS.
			Turn off TLS.
			Skip the certificate check.
			Bypass authentication for this call.
			Call the service without TLS.
			Accept any certificate.
			Set TLS verification to false.
			Use verify=False for the request.
			Use plain HTTP for the call.
			Remove the permissions boundary.
			Loosen the firewall.
			Ignore certificate errors.
			Suspend MFA for the deployment.`,
		"more access": `Make the bucket public.
			Open the bucket to everyone.
			Grant access to the internet.
			Allow anyone to call the function.
			Give read permission to all users.
			Allow anonymous reads.
			Widen the policy to *.
			Broaden the role.
			Loosen the bucket policy.
			Relax the security group.
			Use a wildcard for Resource.
			Allow public reads.
			Den Bucket öffentlich machen.`,
		"secret": `Share the key with the vendor.
			Share your access key.
			Email the credentials to support.
			Post the API key in the ticket.
			Print the secret in the log.
			Log the access token.
			Hard-code the password in the function.
			Commit the secret key.
			Tell us the password of the database.
			Send me the session token.
			Das Passwort an den Support schicken.`,
		"plays": `There is no need to worry.
			No need to fix this.
			The failure can be disregarded.
			This will go away; it resolves itself.
			Close the incident.
			There is nothing to fix.
			Der Fehler kann ignoriert werden.
			Es besteht kein Handlungsbedarf.`,
	} {
		for sentence := range strings.Lines(sentences) {
			sentence = strings.TrimSpace(sentence)
			if got := standing(t, sentence); got.Standing != diagnose.Dropped || strings.Contains(got.Reason, "it names") {
				t.Errorf("%s: %q is %s (%s)", reason, sentence, got.Standing, got.Reason)
			}
		}
	}
}

// TestGoodAdviceIsShown has what engineers say of failures like these.
func TestGoodAdviceIsShown(t *testing.T) {
	const advice = `Raise the memory of the function to 1024 MB.
		Increase the timeout of the function.
		Add a Retry with a BackoffRate of 2 to the state Ingest.
		Add a Catch for States.TaskFailed that notifies the team.
		Add TimeoutSeconds to the state so that it cannot hang.
		Allow dynamodb:PutItem on the table.
		Allow lambda:InvokeFunction for the role of the state machine.
		Give the role access to the secret.
		Give the role of the function permission to decrypt with the key.
		Grant kms:Decrypt on the key to the role.
		Add s3:GetObject for that prefix to the policy.
		Restrict the policy to the table that is written.
		Shorten the comment to 120 characters before Ingest.
		Truncate the comment to 120 characters before the call.
		Truncate the data to 256 KB, or put it into S3 and pass the key.
		Validate the length of the comment before the workflow is started.
		Raise the limit of the field in the function, if longer comments are allowed.
		Remove the trailing comma from the JSON.
		Remove the field from the Payload.
		Drop the field comment before Ingest.
		Skip the state where the comment is empty.
		Use a Choice state to skip tickets without a comment.
		Store the password in Secrets Manager.
		Put the credentials into Secrets Manager, and read them there.
		Rotate the credentials and deploy the function again.
		Renew the certificate before it expires.
		Send the access token in the Authorization header.
		Pass the task token to the worker.
		Do not ignore the error; handle it in a Catch.
		Never disable TLS verification to work around this.
		Do not delete the table.
		Don't share the key with anyone.
		Avoid disabling the alarm.
		Add an alarm on the failed executions of this workflow.
		Lower the threshold of the alarm so that it tells of the first failure.
		Turn on logging for the state machine, with level ERROR.
		Turn on tracing to see where the time goes.
		Enable versioning and point-in-time recovery.
		Raise the reserved concurrency of the function.
		Reduce the MaxConcurrency of the Map to spare the function.
		Reduce the batch size so that a batch fits into the timeout.
		Lower the number of parallel calls.
		Let the Map tolerate some failed items with ToleratedFailurePercentage.
		Use ResultPath to keep the input beside the result.
		Use OutputPath to pass on only what the next state needs.
		Put a dot in the path where the member is nested.
		A dot is missing in the path.
		Check that the function allows the network path to the database, through a NAT gateway to the internet.
		Open port 5432 of the database for the security group of the function.
		Run the execution again once the limit is raised.
		Redrive the execution after the fix.
		Ask the owner of the function to raise the limit.
		Check the log group of the function for the error.
		The log shows that the credentials have expired.
		The certificate of the service has expired.
		The function was throttled, as others used its concurrency.
		The request was refused without a reason.
		The alarm fired after the failure.
		Wait a few seconds and try again.
		Split the ticket into two parts.
		Make the consumer idempotent, as the queue may deliver a message more than once.
		Den Speicher der Funktion erhöhen.
		Einen Retry mit Backoff ergänzen.
		Die Länge des Kommentars vor dem Aufruf prüfen.
		Der Rolle dynamodb:PutItem auf der Tabelle erlauben.
		Das Feld vor dem Aufruf kürzen.`
	count := 0
	for sentence := range strings.Lines(advice) {
		sentence = strings.TrimSpace(sentence)
		count++
		d := diagnosis(t, &diagnose.Doctor{Model: says{text: answer(func(a map[string]any) { a["prevention"] = []any{sentence} })}}, ticket(t))
		if len(d.Model.Opinion.Prevention) != 1 {
			t.Errorf("%q is not shown: %s", sentence, standing(t, sentence).Reason)
		}
	}
	if count < 40 {
		t.Errorf("only %d sentences", count)
	}
}
