module github.com/stint-sts/stint/bench

go 1.26.8

require (
	github.com/go-jose/go-jose/v4 v4.1.9
	github.com/stint-sts/stint v0.0.0
)

replace github.com/stint-sts/stint => ../
