package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/redact"
)

// cutForms are texts that a limit of length may cut inside of their secret. What follows
// the secret of some is the beginning of what makes it known.
var cutForms = []struct{ name, text string }{
	{"sql insert", "INSERT INTO users (name, password) VALUES ('kim', '«PASSWORD:{alnum:24}»"},
	{"sql insert of several rows", "INSERT INTO users (name, password) VALUES ('kim', '{alnum:9}'), ('lee', '«PASSWORD:{alnum:24}»"},
	{"sql insert, wider", "INSERT INTO users (name, password, role) VALUES ('kim', '«PASSWORD:{alnum:24}»"},
	{"sql insert without quotes", "INSERT INTO users (name, password, role) VALUES ('kim', «PASSWORD:{alnum:24}»"},
	{"csv", "user,password,role\nkim,«PASSWORD:{alnum:24}»"},
	{"csv in quotes", "user,password,role\nkim,\"«PASSWORD:{alnum:24}»"},
	{"sql update", "UPDATE users SET password = '«PASSWORD:{alnum:24}»"},
	{"json", `{"user":"kim","password":"«PASSWORD:{alnum:24}»`},
	{"json with blanks", `{"user": "kim", "clientSecret" : "«PASSWORD:{alnum:24}»`},
	{"json pair", `{"environment":[{"name":"DB_PASSWORD","value":"«PASSWORD:{alnum:24}»`},
	{"json object", `{"credentials":{"user":"kim","value":"«PASSWORD:{alnum:24}»`},
	{"json list", `{"passwords":["{alnum:9}","«PASSWORD:{alnum:24}»`},
	{"json secret string", `{"SecretString":"{\"username\":\"kim\",\"password\":\"«PASSWORD:{alnum:24}»`},
	{"python repr", `{'user': 'kim', 'password': '«PASSWORD:{alnum:24}»`},
	{"pem", "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n«PRIVATE_KEY:{b64:48}»"},
	{"pem in json", `{"key":"-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n«PRIVATE_KEY:{b64:48}»`},
	{"jwt in its signature", "token eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.«JWT:{slug:43}»"},
	{"jwt in its payload", "token eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzd«JWT:WIiOiIxMjM0NTY3ODkwIn0»"},
	{"url", "postgres://app:«PASSWORD:{alnum:24}»"},
	{"url with signs", "amqps://app:«PASSWORD:{alnum:6}%2F{alnum:16}»"},
	{"url without a user", "redis://:«PASSWORD:{alnum:24}»"},
	{"connection string", "Server=db;Database=app;User Id=app;Password=«PASSWORD:{alnum:24}»"},
	{"libpq", "host=db user=app password=«PASSWORD:{alnum:24}»"},
	{"libpq in quotes", "host=db user=app password='«PASSWORD:{alnum:24}»"},
	{"go dsn", "app:«PASSWORD:{alnum:24}»@tcp(10"},
	{"oracle", "jdbc:oracle:thin:app/«PASSWORD:{alnum:24}»"},
	{"yaml block", "user: kim\npassword: |\n  «PASSWORD:{alnum:24}»"},
	{"yaml in quotes", "user: kim\npassword: \"«PASSWORD:{alnum:24}»"},
	{"shell in quotes", `export DB_PASSWORD="«PASSWORD:{alnum:24}»`},
	{"shell in single quotes", `DB_PASSWORD='«PASSWORD:{alnum:8} {alnum:16}»`},
	{"flag in quotes", `app --password "«PASSWORD:{alnum:8} {alnum:16}»`},
	{"arguments", `["app", "--password", "«PASSWORD:{alnum:24}»`},
	{"curl", `curl -u kim:«PASSWORD:{alnum:24}»`},
	{"curl in quotes", `curl -u "kim:«PASSWORD:{alnum:24}»`},
	{"xml", "<db><password>«PASSWORD:{alnum:24}»"},
	{"cdata", "<db><password><![CDATA[«PASSWORD:{alnum:24}»"},
	{"xml attribute", `<db user="kim" password="«PASSWORD:{alnum:24}»`},
	{"authorization", "Authorization: Bearer «AUTHORIZATION:{alnum:40}»"},
	{"authorization in json", `{"Authorization":"Bearer «AUTHORIZATION:{alnum:40}»`},
	{"cookie", "Cookie: session=«COOKIE:{alnum:40}»"},
	{"form", "user=kim&password=«PASSWORD:{alnum:24}»"},
	{"encoded form", "body=user%3Dkim%26password%3D«PASSWORD:{alnum:24}»"},
	{"access key", "aws_secret_access_key = «AWS_SECRET:{b64:40}»"},
	{"session token", `"SessionToken":"IQoJb3JpZ2luX2VjE«AWS_SESSION_TOKEN:{b64:200}»`},
	{"signed url", "https://b.s3.amazonaws.com/k?X-Amz-Date=20261101T000000Z&X-Amz-Signature=«URL_SIGNATURE:{hex:64}»"},
	{"slack webhook", "https://hooks.slack.com/services/T0AAAAAAA/B0AAAAAAA/«URL_SIGNATURE:{alnum:24}»"},
	{"github token", "clone with ghp_«TOKEN:{alnum:36}»"},
	{"stripe key", "key sk_live_«TOKEN:{alnum:24}»"},
	{"multipart", "Content-Disposition: form-data; name=\"password\"\r\n\r\n«PASSWORD:{alnum:24}»"},
	{"php", `a:1:{s:8:"password";s:24:"«PASSWORD:{alnum:24}»`},
	{"go map", `map[password:«PASSWORD:{alnum:24}»`},
	{"kotlin", `Config(user=kim, password=«PASSWORD:{alnum:24}»`},
	{"identified by", `CREATE USER kim IDENTIFIED BY '«PASSWORD:{alnum:24}»`},
	{"three quotes", `password = """«PASSWORD:{alnum:24}»`},
}

// cutEnds are what stands after a cut.
var cutEnds = []string{"", "…", "...", " [truncated]", "... (truncated)", "<truncated>", "...[truncated 512 bytes]"}

// minShown is how much of a secret may be shown before a cut: it tells as little of it
// as of a word.
const minShown = 8

func TestCut(t *testing.T) {
	for _, form := range cutForms {
		c := newCase("cut/"+form.name, form.text)
		secret := c.secrets[0]
		before, tail, _ := strings.Cut(c.text, secret)
		t.Run(form.name, func(t *testing.T) {
			first := minShown
			if tail != "" {
				first = len(secret)
			}
			for n := first; n <= len(secret); n++ {
				shown := secret[:n]
				text := before + shown + tail
				for _, end := range cutEnds {
					notShown(t, text+end, shown)
					b, _ := json.Marshal(map[string]string{"Cause": text + end, "Error": "Failed"})
					notShown(t, string(b), shown)
					b, _ = json.Marshal(map[string]string{"output": string(b)})
					notShown(t, string(b), shown)
					notShown(t, text+end+"\n2026-11-01T10:00:00Z END RequestId: 8f5f2b2c", shown)
				}
				if n < minShown+4 {
					continue
				}
				encoded := base64.StdEncoding.EncodeToString([]byte(text))
				for m := len(encoded) - 3; m <= len(encoded); m++ {
					notShown(t, "body "+encoded[:m], encoded[len(encoded)-8:len(encoded)-4])
				}
			}
		})
	}
}

func notShown(t *testing.T, text, secret string) {
	t.Helper()
	var r redact.Redactor
	for _, out := range []string{r.Text(text).String(), r.JSON([]byte(text)).String()} {
		if strings.Contains(out, secret) {
			t.Fatalf("%q survives\n in  %s\n out %s", secret, text, out)
		}
	}
}
