"""One operator at a time on this processor: what the coefficients of the predictions are fitted on."""
