"""`dense-dropout` as its introduction writes it, in Keras on TensorFlow. Started by `steps.py`.

Three calls of `train_on_batch` for each step, and `predict` for the fakes that D sees. Two lines differ from the listing: G's output keeps
its tanh, and D's freeze is switched before each call, as Keras 3 reads it when the step of a model is traced, and D would never train
(docs/systems.md). Adam's epsilon is Keras' own, 1e-7.
"""

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from lockstep import Block, serve

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras  # after its backend is chosen
import tensorflow
from keras import layers

BATCH, LATENT = 64, 100


class Original(NamedTuple):
    """The three models: G, D, and G through D that is held constant."""

    generator: keras.Model
    discriminator: keras.Model
    joint: keras.Model


def models(dropout: float = 0.3) -> Original:
    """The models, compiled."""
    normal = keras.initializers.RandomNormal(stddev=0.02)
    generator = keras.Sequential([keras.Input((LATENT,))])
    for width in (256, 512, 1024):
        generator.add(layers.Dense(width, kernel_initializer=normal))
        generator.add(layers.LeakyReLU(negative_slope=0.2))
    generator.add(layers.Dense(784, activation="tanh", kernel_initializer=normal))
    generator.add(layers.Reshape((28, 28, 1)))

    discriminator = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten()])
    for width in (1024, 512, 256):
        discriminator.add(layers.Dense(width))
        discriminator.add(layers.LeakyReLU(negative_slope=0.2))
        discriminator.add(layers.Dropout(dropout))
    discriminator.add(layers.Dense(1, activation="sigmoid"))
    discriminator.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5), metrics=["accuracy"])

    discriminator.trainable = False
    z = keras.Input((LATENT,))
    joint = keras.Model(z, discriminator(generator(z)))
    joint.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5))
    return Original(generator, discriminator, joint)


def updated(original: Original, real: np.ndarray, z: np.ndarray, z_g: np.ndarray, on_batch: bool = False) -> dict[str, float]:
    """One step. real: (64, 28, 28, 1) in [-1, 1]. on_batch: whether fakes are made by `predict_on_batch`, which takes less time."""
    generator, discriminator, joint = original
    ones, zeros = np.ones((len(real), 1)), np.zeros((len(real), 1))
    discriminator.trainable = True
    loss_real, accuracy_real = discriminator.train_on_batch(real, ones)
    fake = generator.predict_on_batch(z) if on_batch else generator.predict(z, verbose=0)
    loss_fake, accuracy_fake = discriminator.train_on_batch(fake, zeros)
    discriminator.trainable = False
    loss_g = joint.train_on_batch(z_g, ones)
    return {
        "loss on real": float(loss_real),
        "loss on fake": float(loss_fake),
        "accuracy on real": float(accuracy_real),
        "accuracy on fake": float(accuracy_fake),
        "loss of G": float(loss_g),
    }


def stepper(images: np.ndarray, on_batch: bool) -> tuple[Original, Callable[[], dict[str, float]]]:
    """The models, and a call that does one step. images: uint8 (N, 28, 28)."""
    original = models()
    x_train = (images.astype(np.float32) / 127.5 - 1)[..., None]

    def step() -> dict[str, float]:
        real = x_train[np.random.randint(0, len(x_train), BATCH)]
        return updated(original, real, np.random.normal(0, 1, (BATCH, LATENT)), np.random.normal(0, 1, (BATCH, LATENT)), on_batch)

    return original, step


def make(asked: dict[str, Any]) -> tuple[Block, dict[str, Any]]:
    """A block of steps as it was asked for: images (path of an array), on_batch."""
    tensorflow.config.threading.set_intra_op_parallelism_threads(asked["threads"])
    original, step = stepper(np.load(asked["images"])[:, 0], asked["on_batch"])

    def block(steps: int) -> list[float]:
        seconds = []
        for _ in range(steps):
            begun = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - begun)
        return seconds

    weights = {"generator": original.generator.count_params(), "discriminator": original.discriminator.count_params()}
    return block, {"weights": weights, "versions": {"keras": keras.__version__, "tensorflow": tensorflow.__version__}}


if __name__ == "__main__":
    serve(make)
