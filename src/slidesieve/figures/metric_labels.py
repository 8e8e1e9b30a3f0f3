"""Names of metrics in pictures and tables, and which way is better."""

from __future__ import annotations

# The main ones, shown first and in pictures, are the first four.
METRIC_WORDS: dict[str, tuple[str, str]] = {
    "balanced_accuracy": ("Balanced accuracy", "higher"),
    "auc_macro_ovr": ("AUC, macro", "higher"),
    "f1_macro": ("F1, macro", "higher"),
    "log_loss": ("Log loss", "lower"),
    "accuracy": ("Accuracy", "higher"),
    "average_precision": ("Average precision", "higher"),
    "kappa_quadratic": ("Kappa, quadratic", "higher"),
    "brier": ("Brier score", "lower"),
    "ece": ("Calibration error", "lower"),
}
MAIN_METRICS = tuple(METRIC_WORDS)[:4]
