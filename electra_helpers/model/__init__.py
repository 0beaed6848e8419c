"""The networks: encoder, generator, discriminator, the joint model, and how they are stored and exchanged."""
