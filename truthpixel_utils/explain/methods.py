"""How a heatmap is made of a layer's output: class activation maps, Grad-CAM and its kin.

Each method takes the activations of a layer and the logit's gradient in them, and gives each cell
of the map one number. What speaks against the target is negative.
"""

from __future__ import annotations

import numpy as np

from truthpixel_utils.errors import TruthPixelError


def gradcam(activations: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Weigh each channel by its gradient, averaged over the map.

    Selvaraju et al., *Grad-CAM: Visual explanations from deep networks via gradient-based
    localization*, 2017.

    Parameters
    ----------
    activations, gradients : float32 arrays (N, h, w, C)
        The layer's output and the gradient in it.

    Returns
    -------
    float32 array (N, h, w)
        The heat of each cell.
    """
    return np.einsum("nhwc,nc->nhw", activations, gradients.mean(axis=(1, 2)))


def gradcam_plus_plus(activations: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Weigh each channel by its positive gradients, averaged so that each of several spots counts.

    Chattopadhay et al., *Grad-CAM++: Generalized gradient-based visual explanations for deep
    convolutional networks*, 2018.

    Parameters
    ----------
    activations, gradients : float32 arrays (N, h, w, C)
        The layer's output and the gradient in it.

    Returns
    -------
    float32 array (N, h, w)
        The heat of each cell.
    """
    square, cube = gradients**2, gradients**3
    denominator = 2 * square + activations.sum(axis=(1, 2), keepdims=True) * cube
    alpha = np.divide(square, denominator, out=np.zeros_like(square), where=denominator != 0)
    weights = (alpha * np.maximum(gradients, 0)).sum(axis=(1, 2))
    return np.einsum("nhwc,nc->nhw", activations, weights)


def hirescam(activations: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Weigh each cell by its own gradient; nothing is averaged.

    Draelos and Carin, *Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional
    neural networks*, 2020.

    Parameters
    ----------
    activations, gradients : float32 arrays (N, h, w, C)
        The layer's output and the gradient in it.

    Returns
    -------
    float32 array (N, h, w)
        The heat of each cell.
    """
    return np.einsum("nhwc,nhwc->nhw", activations, gradients)


def layercam(activations: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Weigh each cell by its own gradient where that is positive.

    Jiang et al., *LayerCAM: Exploring hierarchical class activation maps for localization*, 2021.

    Parameters
    ----------
    activations, gradients : float32 arrays (N, h, w, C)
        The layer's output and the gradient in it.

    Returns
    -------
    float32 array (N, h, w)
        The heat of each cell.
    """
    return np.einsum("nhwc,nhwc->nhw", activations, np.maximum(gradients, 0))


def eigencam(activations: np.ndarray, gradients: np.ndarray | None) -> np.ndarray:
    """Project the activations onto their first principal direction.

    No gradient is asked for, so the map knows of no target. Muhammad and Yeasin, *Eigen-CAM: Class
    activation map using principal components*, 2020.

    Parameters
    ----------
    activations : float32 array (N, h, w, C)
        The layer's output.
    gradients : float32 array (N, h, w, C) or None
        Not used; it is here so that all methods are called alike.

    Returns
    -------
    float32 array (N, h, w)
        The heat of each cell.
    """
    cells = activations.reshape(len(activations), -1, activations.shape[-1])
    _, _, directions = np.linalg.svd(cells, full_matrices=False)
    along = np.einsum("ncd,nd->nc", cells, directions[:, 0])
    along *= np.sign(along.sum(axis=1, keepdims=True) + 1e-30)  # a direction has no sign of its own
    return along.reshape(activations.shape[:3])


METHODS = {
    "gradcam": gradcam,
    "gradcam++": gradcam_plus_plus,
    "hirescam": hirescam,
    "layercam": layercam,
    "eigencam": eigencam,
}


def check_method(method: str) -> None:
    """Insist that a method exists.

    Parameters
    ----------
    method : str
        A key of `METHODS`.

    Raises
    ------
    TruthPixelError
        If it is none.
    """
    if method not in METHODS:
        raise TruthPixelError(f'method is "{method}": expected {", ".join(METHODS)}.')
