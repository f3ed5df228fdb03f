// Package versitygw lets the S3 server versitygw, from its version 1.8 on, have Stint for its IAM service. It answers the protocol
// that versitygw speaks with its own IAM server when it is started with --iam-standalone-endpoint: five signed POSTs below
// /private/, JSON in and out, version 1 of the header X-Vgw-Private-Protocol.
//
// Flow: [Handler.ServeHTTP] checks the protocol's version, reads the body, and authenticates the gateway, which signs for service
// iam with the access key of a principal of this directory. Then, with that principal's permissions on service s3 and by the rules
// of package gate: derive-signing-key gives the key of a caller's credential (stint:GetSigningKey), evaluate-policy decides each of
// some actions on each of some resources (stint:GetCallerPolicies), resolve-identity and resolve-principals say who is there
// (stint:GetSigningKey). A secret access key is never given, and every answer is that of the newest directory: nothing is
// remembered, so that a revocation holds for the next request.
//
// The gateway combines two matrices of decisions with its bucket policies: an explicit deny anywhere wins; else the bucket's policy
// or the first matrix must allow, and the second one, of the session policies, too. It knows neither boundaries nor organizations
// nor other accounts; [authz.Split] says how they are folded into that.
package versitygw
