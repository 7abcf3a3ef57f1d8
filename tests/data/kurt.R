# Makes kurt-values.txt, numbers with a heavy tail that floats hold exactly, and kurt-expected.csv, what R says
# of them.   Rscript tests/data/kurt.R tests/data
out <- commandArgs(TRUE)[1]
set.seed(5)
x <- round(rt(1500, 3) * 2^12 + 400) / 2^12
stopifnot(max(abs(x)) < 2^11)                         # 24 bits
writeLines(sprintf("%.17g", x), file.path(out, "kurt-values.txt"))

n <- length(x)
mean2 <- mean(x)                                      # two passes, in long double
d <- x - mean2
m <- function(k) sum(d^k) / n
g1 <- m(3) / m(2)^1.5
g2 <- m(4) / m(2)^2 - 3
row <- function(estimator, sd, skewness, kurtosis, se) {
  outlier <- sum(abs(x - mean2) > 3 * sd) / n
  data.frame(estimator, n, mean = mean2, sd, skewness, kurtosis, kurtosis_se = se, outlier_share = outlier,
             max_abs = max(abs(x)))
}
se <- sqrt(24 * n * (n - 1)^2 / ((n - 3) * (n - 2) * (n + 3) * (n + 5)))
expected <- rbind(
  row("biased", sqrt(m(2)), g1, g2, se * (n - 2) * (n - 3) / ((n - 1) * (n + 1))),
  row("unbiased", sd(x), g1 * sqrt(n * (n - 1)) / (n - 2), (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6), se))
for (c in 3:9) expected[[c]] <- sprintf("%.17g", expected[[c]])
write.csv(expected, file.path(out, "kurt-expected.csv"), row.names = FALSE, quote = FALSE)
