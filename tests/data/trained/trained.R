# Rscript trained.R: made tables of the form of pipelines/data/variants, and what R's t.test, p.adjust and cor.test say of them
# SPDX-License-Identifier: GPL-3.0-or-later
variants <- c("base", "kure", "attention-dropout", "balanced", "no-embed-norm", "embed-begun", "sinusoidal", "embed-scale",
  "xglm")
seeds <- 1:3
heavier <- rbind(0, c(-.5, -.52, -.51), c(.02, .03, .022), c(.01, -.01, .005), c(.2, .21, .19), c(.007, -.004, .002), 0, c(0, 0, 0), c(0, 0, 0))
worse <- rbind(0, c(.1, .3, .25), c(.2, .21, .19), c(-.3, -.31, -.305), c(-.1, .1, .05), c(.01, -.02, .005), c(.02, .03, .022), c(.1, .15, .14), c(.3, .33, .35))
rownames(heavier) <- rownames(worse) <- variants
heavier["sinusoidal", ] <- heavier["embed-begun", ] + c(.004, .031, .001)
heavier["embed-scale", ] <- heavier["no-embed-norm", ] + c(-.1, -.11, -.12)
# XGLM's tails are more than its parts, sinusoidal on embed-begun and embed-scale on no-embed-norm, by this
heavier["xglm", ] <- heavier["sinusoidal", ] + heavier["embed-scale", ] + c(.05, .052, .051)

kurtosis <- t(t(exp(heavier)) * c(4, 4.1, 4.2))         # of the heaviest layer
nll <- t(t(worse) + c(4, 4.2, 4.1))                     # of eng; fin has half a nat more
damage <- list(eng = c(.02, .021, .022), fin = c(.03, .031, .029))
less <- list(eng = list(kure = -.005, "attention-dropout" = .02, balanced = c(.0006, -.0022, .0007),
                        "embed-begun" = c(.0002, .0003, .0001), sinusoidal = c(.0004, .0005, .0003),
                        "embed-scale" = c(.0031, .003, .0035)),
             fin = list(kure = c(-.011, -.0105, -.0115), "no-embed-norm" = c(.003, .0031, .0032), "embed-scale" = c(.003, .0032, .0033),
                        xglm = c(-.001, -.0011, -.0013)))
damage <- lapply(c(eng = "eng", fin = "fin"), function(lang) t(sapply(variants, function(v)
  damage[[lang]] + (if (is.null(less[[lang]][[v]])) 0 else less[[lang]][[v]]))))

each <- expand.grid(seed = seeds, variant = variants, stringsAsFactors = FALSE)[, 2:1]
pick <- function(m) m[cbind(match(each$variant, variants), each$seed)]
write <- function(x, name) {
  x[] <- lapply(x, function(c) if (is.numeric(c)) format(c, digits = 15, trim = TRUE, drop0trailing = TRUE) else c)
  if ("quant" %in% names(x)) x$quant <- paste0('"', x$quant, '"')
  write.csv(x, name, quote = FALSE, row.names = FALSE)
}
sorted <- function(x) x[order(match(x$variant, variants), x$seed), ]

matrix_of <- function(layer, role, k) data.frame(each, layer, role, n = 100, sd = .05, skewness = 0, kurtosis = k - 3, max_abs = .4, crest_mean = k / 2)
write(sorted(rbind(matrix_of(0, "attn_qkv", 9), matrix_of(0, "mlp_up", 1.2), matrix_of(0, "mlp_down", 1.2), matrix_of(1, "attn_out", pick(kurtosis)),
  matrix_of(1, "mlp_up", pick(kurtosis) + .1), matrix_of(1, "mlp_down", pick(kurtosis) - .1))), "tails.csv")
write(sorted(rbind(data.frame(each, lang = "eng", nll = pick(nll), bits_per_byte = pick(nll) / 3), data.frame(each, lang = "fin", nll = pick(nll) + .5,
  bits_per_byte = (pick(nll) + .5) / 2))), "loss.csv")
rounded <- function(quant, share, lang, tokens, bytes, more) data.frame(each, quant, lang, tokens, bytes, ref_nll = pick(nll) + more,
  delta_nll = pick(damage[[lang]]) * share * log(2) * bytes / tokens, delta_bits_per_byte = pick(damage[[lang]]) * share, kl = .01)
write(sorted(rbind(rounded("bits=4,per=channel", .1, "eng", 100, 300, 0), rounded("bits=4,per=channel", .1, "fin", 120, 240, .5),
  rounded("bits=3,per=channel", 1, "eng", 100, 300, 0), rounded("bits=3,per=channel", 1, "fin", 120, 240, .5))), "damage.csv")
# at a quarter of the steps nothing has grown yet; at half of them the logarithm is half way
grown <- do.call(rbind, lapply(c(100, 200, 300, 400), function(step) data.frame(each, step, loss = 9 - step / 100, kurtosis_0 = -2,
  kurtosis_1 = 4 * (pick(kurtosis) / 4)^(step == 400) * (pick(kurtosis) / 4)^(.5 * (step %in% c(200, 300))) - 3)))
write(sorted(grown), "growth.csv")

# ---- what must come out
against <- setNames(rep("base", length(variants)), variants)
against[c("embed-scale", "sinusoidal")] <- c("no-embed-norm", "embed-begun")
before <- list(eng = nll * 100 / log(2) / 300, fin = (nll + .5) * 120 / log(2) / 240)
measures <- list(kurtosis_largest = log(kurtosis), nll_mean = nll + .25, damage_worst = pmax(damage$eng, damage$fin),
  damage_range = abs(damage$eng - damage$fin), after_mean = (before$eng + damage$eng + before$fin + damage$fin) / 2)
expected <- do.call(rbind, lapply(names(measures), function(m) {
  ratio <- m == "kurtosis_largest"
  rows <- do.call(rbind, lapply(variants[-1], function(v) {
    d <- measures[[m]][v, ] - measures[[m]][against[v], ]
    if (max(abs(d)) < 1e-12) return(data.frame(variant = v, measure = m, estimate = 0, low = 0, high = 0, p = 1))
    t <- t.test(d)
    f <- if (ratio) exp else identity
    data.frame(variant = v, measure = m, estimate = f(mean(d)), low = f(t$conf.int[1]), high = f(t$conf.int[2]), p = t$p.value)
  }))
  rows$p_holm <- p.adjust(rows$p, "holm")
  rows
}))
line <- function(variant, measure, x, p) data.frame(variant, measure, estimate = x[1], low = x[2], high = x[3], p, p_holm = p)
d <- log(kurtosis)["xglm", ] - log(kurtosis)["sinusoidal", ] - log(kurtosis)["embed-scale", ] + log(kurtosis)["base", ]
expected <- rbind(expected, line("xglm", "rest", exp(c(mean(d), t.test(d)$conf.int)), t.test(d)$p.value))
expected <- rbind(expected, do.call(rbind, lapply(variants, function(v) { d <- log(kurtosis[v, ] / 4)
  line(v, "grows", exp(c(mean(d), t.test(d)$conf.int)), t.test(d)$p.value) })))
rho <- cor.test(rowMeans(kurtosis), rowMeans(damage$eng + damage$fin), method = "spearman", exact = TRUE)
expected <- rbind(expected, line("all", "rho", c(rho$estimate, NA, NA), rho$p.value))
write.csv(format(expected, digits = 12, trim = TRUE), "expected.csv", quote = FALSE, row.names = FALSE)
