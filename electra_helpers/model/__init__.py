"""The networks: encoder, generator, discriminator, the joint model, heads, and a trained pair in another shape."""
