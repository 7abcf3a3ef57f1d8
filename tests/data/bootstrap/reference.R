# What R says of rows.csv: the reference values of tests/bootstrap.bats.
#   Rscript reference.R                     writes statistics.csv, leave.csv, acceleration.csv, permute.csv, exact.csv
#   Rscript reference.R DRAWS > intervals.csv     intervals from the draws in DRAWS, made by
#     bootstrap --stat=pearson,mean,spearman --x=x --y=y --resamples=999 --seed=7 --samples=DRAWS rows.csv
# SPDX-License-Identifier: GPL-3.0-or-later
options(digits = 15)
d <- read.csv("rows.csv", colClasses = c(id = "character"))
a <- d$g == "a"
num <- function(v) format(v, digits = 15, trim = TRUE, scientific = FALSE)

gini <- function(x) mean(abs(outer(x, x, "-"))) / (2 * mean(x))
statistics <- list(
  mean = function(d) mean(d$x), sum = function(d) sum(d$x), median = function(d) median(d$x),
  sd = function(d) sd(d$x), var = function(d) var(d$x), cv = function(d) sd(d$x) / mean(d$x),
  min = function(d) min(d$x), max = function(d) max(d$x), range = function(d) diff(range(d$x)),
  `worst-best` = function(d) max(d$x) / min(d$x), gini = function(d) gini(d$x),
  pearson = function(d) cor(d$x, d$y), spearman = function(d) cor(d$x, d$y, method = "spearman"),
  kendall = function(d) cor(d$x, d$y, method = "kendall"),
  slope = function(d) unname(coef(lm(y ~ x, d))[2]), intercept = function(d) unname(coef(lm(y ~ x, d))[1]),
  `ratio-of-sums` = function(d) sum(d$x) / sum(d$y))
grouped <- list(
  `diff-mean` = function(d) mean(d$x[d$g == "a"]) - mean(d$x[d$g == "b"]),
  `diff-median` = function(d) median(d$x[d$g == "a"]) - median(d$x[d$g == "b"]),
  `ratio-mean` = function(d) mean(d$x[d$g == "a"]) / mean(d$x[d$g == "b"]),
  `mann-whitney` = function(d) suppressWarnings(unname(wilcox.test(d$x[d$g == "a"], d$x[d$g == "b"])$statistic)))
all_statistics <- c(statistics, grouped)

# a of BCa, by strata (Davison & Hinkley 1997, eq. 5.28)
acceleration <- function(f, strata) {
  t <- sapply(seq_len(nrow(d)), function(i) f(d[-i, ]))
  n <- ave(t, strata, FUN = length)
  l <- (ave(t, strata) - t) * (n - 1) / n
  sum(l^3) / (6 * sum(l^2)^1.5)
}

args <- commandArgs(TRUE)
if (length(args)) {          # intervals from given draws
  draws <- read.csv(args[1])
  cat("stat,interval,low,high,se,bias,median,z0,acceleration\n")
  for (s in unique(draws$stat)) {
    t <- draws$value[draws$stat == s]; t0 <- all_statistics[[s]](d)
    q <- c(0.025, 0.975); ends <- quantile(t, q, type = 7, names = FALSE)
    z0 <- qnorm((sum(t < t0 - 1e-12) + sum(abs(t - t0) <= 1e-12) / 2) / length(t))
    acc <- acceleration(all_statistics[[s]], rep(1, nrow(d)))
    z <- z0 + qnorm(q)
    bca <- quantile(t, pnorm(z0 + z / (1 - acc * z)), type = 7, names = FALSE)
    rest <- c(sd(t), mean(t) - t0, median(t))
    cat(paste(s, "percentile", paste(num(c(ends, rest)), collapse = ","), "", "", sep = ","), "\n", sep = "")
    cat(paste(s, "basic", paste(num(c(2 * t0 - rev(ends), rest)), collapse = ","), "", "", sep = ","), "\n", sep = "")
    cat(paste(s, "bca", paste(num(c(bca, rest, z0, acc)), collapse = ","), sep = ","), "\n", sep = "")
  }
  quit()
}

sink("statistics.csv"); cat("stat,estimate\n")
for (s in names(all_statistics)) cat(s, ",", num(all_statistics[[s]](d)), "\n", sep = "")
sink("leave.csv"); cat("stat,left_out,estimate\n")
for (s in names(all_statistics)) for (i in seq_len(nrow(d))) cat(s, ",", d$id[i], ",", num(all_statistics[[s]](d[-i, ])), "\n", sep = "")
sink("acceleration.csv"); cat("stat,strata,acceleration\n")
for (s in setdiff(names(statistics), c("min", "max", "range", "worst-best")))
  for (by in c("", "s")) cat(s, ",", by, ",", num(acceleration(statistics[[s]], if (by == "") rep(1, nrow(d)) else d$s)), "\n", sep = "")
for (s in names(grouped)) cat(s, ",,", num(acceleration(grouped[[s]], d$g)), "\n", sep = "")
sink()

# ---- permutation tests by walking all arrangements of the first 8 rows
e <- d[1:8, ]
arrangements <- function(v, strata) {   # all orders of seq_along(v) within strata, one a row
  orders <- function(v) if (length(v) <= 1) matrix(v, 1) else do.call(rbind, lapply(seq_along(v), function(i) cbind(v[i], orders(v[-i]))))
  out <- NULL
  for (s in unique(strata)) {
    o <- orders(which(strata == s))
    out <- if (is.null(out)) o else cbind(out[rep(seq_len(nrow(out)), nrow(o)), , drop = FALSE], o[rep(seq_len(nrow(o)), each = nrow(out)), , drop = FALSE])
  }
  places <- unlist(lapply(unique(strata), function(s) which(strata == s)))
  out[, order(places), drop = FALSE]
}
counts <- function(name, strata, t, t0, centre, exact_mean = TRUE) {
  tol <- 1e-9
  cat(name, strata, "less", sum(t <= t0 + tol), length(t), num(mean(t)), num(sqrt(mean((t - mean(t))^2))), sep = ","); cat("\n")
  cat(name, strata, "greater", sum(t >= t0 - tol), length(t), num(mean(t)), num(sqrt(mean((t - mean(t))^2))), sep = ","); cat("\n")
  cat(name, strata, "two-sided", sum(abs(t - centre) >= abs(t0 - centre) - tol), length(t), num(mean(t)), num(sqrt(mean((t - mean(t))^2))), sep = ","); cat("\n")
}
sink("permute.csv"); cat("stat,strata,alternative,count,total,null_mean,null_sd\n")
for (by in c("", "s")) {
  o <- arrangements(e$y, if (by == "") rep(1, 8) else e$s)
  for (s in c("pearson", "spearman", "slope", "kendall")) {
    f <- statistics[[s]]
    if (s == "kendall") f <- function(d) cor(d$x, d$y, method = "kendall")
    if (s == "slope") f <- function(d) cov(d$x, d$y) / var(d$x)
    t <- apply(o, 1, function(k) f(data.frame(x = e$x, y = e$y[k])))
    counts(s, by, t, f(e), if (by == "") 0 else mean(t))
  }
}
groups <- function(strata) {            # all ways to give out the labels within strata
  out <- matrix(NA, 1, 8)
  for (s in unique(strata)) {
    w <- which(strata == s); k <- combn(length(w), sum(e$g[w] == "a"))
    if (sum(e$g[w] == "a") == 0) k <- matrix(0, 0, 1)
    out <- out[rep(seq_len(nrow(out)), ncol(k)), , drop = FALSE]
    for (i in seq_len(nrow(out))) { column <- (i - 1) %/% (nrow(out) / ncol(k)) + 1
      out[i, w] <- "b"; out[i, w[k[, column]]] <- "a" }
  }
  out
}
for (by in c("", "s")) {
  o <- groups(if (by == "") rep(1, 8) else e$s)
  for (s in names(grouped)) {
    if (s == "ratio-mean") next
    t <- apply(o, 1, function(g) grouped[[s]](data.frame(x = e$x, g = g)))
    centre <- if (s == "mann-whitney" && by == "") sum(e$g == "a") * sum(e$g == "b") / 2 else if (by == "") 0 else mean(t)
    counts(s, by, t, grouped[[s]](e), centre)
  }
}
signs <- as.matrix(expand.grid(rep(list(c(1, -1)), 8)))
counts("mean", "", apply(signs, 1, function(k) mean(k * e$z)), mean(e$z), 0)
counts("median", "", apply(signs, 1, function(k) median(k * e$z)), median(e$z), 0)
sink()

# ---- R's own exact tests (no ties: columns u and v)
sink("exact.csv"); cat("stat,alternative,p\n")
for (alt in c("two.sided", "less", "greater")) {
  w <- sub(".", "-", alt, fixed = TRUE)
  cat("spearman,", w, ",", num(cor.test(d$u[1:9], d$v[1:9], method = "spearman", exact = TRUE, alternative = alt)$p.value), "\n", sep = "")
  cat("kendall,", w, ",", num(cor.test(d$u[1:9], d$v[1:9], method = "kendall", exact = TRUE, alternative = alt)$p.value), "\n", sep = "")
  cat("mann-whitney,", w, ",", num(wilcox.test(d$u[a], d$u[!a], exact = TRUE, alternative = alt)$p.value), "\n", sep = "")
}
sink()
