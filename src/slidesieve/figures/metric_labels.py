"""Names of metrics in pictures and tables, and which way is better."""

from __future__ import annotations

METRIC_WORDS: dict[str, tuple[str, str]] = {
    "balanced_accuracy": ("Balanced accuracy", "higher"),
    "accuracy": ("Accuracy", "higher"),
    "auc_macro_ovr": ("AUC, macro", "higher"),
    "average_precision": ("Average precision", "higher"),
    "f1_macro": ("F1, macro", "higher"),
    "kappa_quadratic": ("Kappa, quadratic", "higher"),
    "log_loss": ("Log loss", "lower"),
    "brier": ("Brier score", "lower"),
    "ece": ("Calibration error", "lower"),
}
