"""Sign-ups and signatures: signing, confirming, withdrawing, erasing."""
