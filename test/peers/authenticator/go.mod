// aws-iam-authenticator 0.7 as a tool of a module of its own: go install refuses it for its replace directives.
module github.com/stint-sts/stint/test/peers/authenticator

go 1.26.8
