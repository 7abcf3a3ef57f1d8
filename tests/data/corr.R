# Makes corr-values.csv, groups of numbers, and corr-expected.csv, what R says of them.
#   Rscript tests/data/corr.R tests/data
out <- commandArgs(TRUE)[1]
set.seed(14)
group <- function(g, n, tied) {
  x <- rnorm(n); y <- 0.6 * x + 0.8 * rnorm(n); u <- 0.5 * x + rnorm(n); v <- rbinom(n, 1, 0.4)
  f <- if (tied) function(z) round(2 * z) / 2 else function(z) round(z, 6)
  data.frame(g, x = f(x), y = f(y), u = f(u), v)
}
d <- rbind(group("eight", 8, FALSE), group("nine", 9, FALSE), group("tied", 12, TRUE), group("thirty", 30, FALSE),
           group("sixty", 60, FALSE), group("hundred", 100, TRUE))
tail <- data.frame(g = "tail", x = 1:400, y = 1:400 + round(33 * sin(1:400), 3), u = 0, v = 0)
d <- rbind(d, tail)
write.csv(d, file.path(out, "corr-values.csv"), row.names = FALSE, quote = FALSE)

fisher <- function(r, se, alternative, level = 0.95) {
  z <- function(q) tanh(atanh(r) + qnorm(q) * se)
  switch(alternative, two.sided = c(z((1 - level) / 2), z((1 + level) / 2)), less = c(-1, z(level)),
         greater = c(z(1 - level), 1))
}
tail_p <- function(below, above, alternative)
  switch(alternative, two.sided = min(1, 2 * min(below, above)), less = below, greater = above)
rows <- list()
add <- function(...) rows[[length(rows) + 1]] <<- data.frame(...)
for (g in unique(d$g)) for (alternative in c("two.sided", "less", "greater")) {
  s <- d[d$g == g, ]; n <- nrow(s); a <- sub(".", "-", alternative, fixed = TRUE)
  ties <- anyDuplicated(s$x) > 0 || anyDuplicated(s$y) > 0
  t <- cor.test(s$x, s$y, alternative = alternative)
  add(g, given = "", method = "pearson", alternative = a, exact = "auto", estimate = t$estimate,
      statistic = t$statistic, p = t$p.value, p_method = "t", low = t$conf.int[1], high = t$conf.int[2])
  rho <- cor(s$x, s$y, method = "spearman")
  ci <- fisher(rho, sqrt((1 + rho^2 / 2) / (n - 3)), alternative)
  exact <- n <= 9 && !ties
  t <- suppressWarnings(cor.test(s$x, s$y, alternative = alternative, method = "spearman", exact = exact))
  add(g, given = "", method = "spearman", alternative = a, exact = "auto", estimate = t$estimate,
      statistic = if (exact) t$statistic else rho * sqrt((n - 2) / (1 - rho^2)), p = t$p.value,
      p_method = if (exact) "exact" else "t", low = ci[1], high = ci[2])
  tau <- cor(s$x, s$y, method = "kendall")
  ci <- fisher(tau, sqrt(0.437 / (n - 4)), alternative)
  for (when in c("auto", if (!ties && n < 50) "always", "never")) { # R divides by gamma(n + 1), which is off from 50 on
    exact <- if (when == "auto") NULL else when == "always"
    t <- suppressWarnings(cor.test(s$x, s$y, alternative = alternative, method = "kendall", exact = exact))
    add(g, given = "", method = "kendall", alternative = a, exact = when, estimate = t$estimate,
        statistic = t$statistic, p = t$p.value, p_method = if (names(t$statistic) == "T") "exact" else "normal",
        low = ci[1], high = ci[2])
  }
  for (given in if (g == "tail") list() else list("u", c("u", "v"))) for (method in c("pearson", "spearman")) {
    m <- s[c("x", "y", given)]
    if (method == "spearman") m[] <- lapply(m, rank)
    z <- as.matrix(m[given]); k <- length(given)
    r <- cor(residuals(lm(m$x ~ z)), residuals(lm(m$y ~ z)))
    df <- n - 2 - k; t <- r * sqrt(df / (1 - r^2))
    ci <- fisher(r, sqrt((if (method == "spearman") 1 + r^2 / 2 else 1) / (n - 3 - k)), alternative)
    add(g, given = paste(given, collapse = "+"), method, alternative = a, exact = "auto", estimate = r,
        statistic = t, p = tail_p(pt(t, df), pt(t, df, lower.tail = FALSE), alternative), p_method = "t",
        low = ci[1], high = ci[2])
  }
}
expected <- do.call(rbind, rows)
for (c in c("estimate", "statistic", "p", "low", "high")) expected[[c]] <- sprintf("%.17g", expected[[c]])
write.csv(expected, file.path(out, "corr-expected.csv"), row.names = FALSE, quote = FALSE)

# The same p values adjusted: those of x and y, pearson, kendall and spearman in each group.
p <- expected[expected$given == "" & expected$alternative == "two-sided" & expected$exact == "auto", ]
adjusted <- data.frame(g = p$g, method = p$method, p = p$p)
for (m in c("holm", "BH", "BY", "bonferroni"))
  adjusted[[paste0("p_", tolower(m))]] <- sprintf("%.17g", p.adjust(as.numeric(p$p), m))
write.csv(adjusted, file.path(out, "corr-adjusted.csv"), row.names = FALSE, quote = FALSE)
