"""What a training batch is made of: places, pairs, augmentation, sampling."""
