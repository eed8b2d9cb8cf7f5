# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lists the networks of the zoo that are made with torch. Each entry is a name
and a function that returns a module of random weights."""
import os
import sys
from collections import namedtuple

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "networks"))
import networks  # noqa: E402
import own_networks  # noqa: E402
import package_networks  # noqa: E402
import torch_here  # noqa: E402, F401
import segmentation_models_pytorch as smp  # noqa: E402

CLASSES = 4
# Pixels of height and width: small, since no speed of large pictures is asked.
SIZE = 128
SMP = {
    "unet": smp.Unet,
    "unetplusplus": smp.UnetPlusPlus,
    "manet": smp.MAnet,
    "linknet": smp.Linknet,
    "fpn": smp.FPN,
    "pspnet": smp.PSPNet,
    "pan": smp.PAN,
    "deeplabv3": smp.DeepLabV3,
    "deeplabv3plus": smp.DeepLabV3Plus,
    "upernet": smp.UPerNet,
    "segformer": smp.Segformer,
    "dpt": smp.DPT,
}
# One or more encoders of each family.
ENCODERS = (
    "resnet18 resnext50_32x4d efficientnet-b0 mobilenet_v2 mit_b0 densenet121 "
    "mobileone_s0 vgg11_bn dpn68 se_resnet50 inceptionv4 xception "
    "timm-res2net50_26w_4s timm-gernet_s timm-skresnet18 "
    "tu-mobilenetv3_small_100 tu-mobilenetv3_large_100 "
    "tu-mobilenetv4_conv_small tu-mobilenetv4_hybrid_medium tu-convnext_atto "
    "tu-convnextv2_atto tu-swin_tiny_patch4_window7_224 tu-pvt_v2_b0 "
    "tu-regnetx_002 tu-regnety_002 tu-fastvit_t8 tu-ghostnet_100 "
    "tu-hrnet_w18_small tu-efficientvit_b0 tu-edgenext_xx_small "
    "tu-lcnet_050 tu-repvgg_a0 tu-rexnet_100 tu-tf_efficientnetv2_b0 "
    "tu-resnest14d tu-mixnet_s tu-inception_next_atto tu-poolformerv2_s12 "
    "tu-starnet_s1 tu-hgnetv2_b0 tu-mambaout_femto tu-nextvit_small "
    "tu-maxvit_rmlp_pico_rw_256 tu-coatnet_0_rw_224 tu-tiny_vit_5m_224 "
    "tu-efficientformer_l1 tu-mobilevit_xxs tu-mobilevitv2_050 "
    "tu-repghostnet_050 tu-cspdarknet53 tu-darknet53 tu-dla34 tu-vovnet39a "
    "tu-fasternet_t0 tu-repvit_m0_9 tu-hiera_tiny_224 "
    "tu-focalnet_tiny_srf tu-davit_tiny tu-nfnet_f0 tu-eca_nfnet_l0 "
    "tu-resnetv2_50 tu-botnet26t_256 tu-halonet26t tu-sebotnet33ts_256 "
    "tu-lambda_resnet26t tu-xcit_nano_12_p16_224 tu-crossvit_9_240 "
    "tu-mvitv2_tiny tu-cs3darknet_s tu-selecsls42 tu-tresnet_m"
).split()
# Encoders whose windows follow from the picture's size, and those of one size.
WITH_SIZE = (
    "tu-swin_tiny_patch4_window7_224 tu-maxvit_rmlp_pico_rw_256 "
    "tu-coatnet_0_rw_224"
).split()
FIXED = {
    "tu-efficientformer_l1": 224,
    "tu-hiera_tiny_224": 224,
    "tu-botnet26t_256": 256,
    "tu-halonet26t": 256,
    "tu-sebotnet33ts_256": 256,
    "tu-lambda_resnet26t": 256,
}
# The size for which this network is published.
PUBLISHED = {"transformers-segformer_b0_512": 512}
# The pyramids of these decoders need a multiple of 192 pixels, else PyTorch
# cannot export their pooling to 1, 2, 3 and 6 cells.
PYRAMIDS = {"pspnet": 192, "upernet": 192}
PAIRED = "resnet18 mobilenet_v2 tu-mobilenetv3_small_100 tu-regnetx_002".split()


# A function of the picture's side that returns a module, and that side.
Entry = namedtuple("Entry", "make size")


def smp_network(decoder, encoder):
    def make(size):
        extra = {}
        if encoder in WITH_SIZE:
            extra["img_size"] = size
        if decoder == "dpt":
            extra["dynamic_img_size"] = True
        return SMP[decoder](
            encoder, encoder_weights=None, classes=CLASSES, **extra
        )

    return make


def entries():
    """Returns a dictionary of names and entries."""
    found = {}
    for encoder in ENCODERS:
        found["smp-unet-" + encoder] = Entry(
            smp_network("unet", encoder), FIXED.get(encoder, SIZE)
        )
    for decoder in SMP:
        encoders = PAIRED if decoder != "dpt" else ["tu-vit_tiny_patch16_224"]
        for encoder in encoders:
            found["smp-%s-%s" % (decoder, encoder)] = Entry(
                smp_network(decoder, encoder), PYRAMIDS.get(decoder, SIZE)
            )
    for name, make in own_networks.networks(CLASSES).items():
        found["own-" + name] = Entry(make, SIZE)
    for name, make in package_networks.networks(CLASSES).items():
        pyramid = name.partition("-")[2].partition("-")[0]
        size = PUBLISHED.get(name, PYRAMIDS.get(pyramid, SIZE))
        found[name] = Entry(make, size)
    return found


def pictures(n, size, channels=3):
    """Returns a batch of smooth colours with hard-edged discs and noise, the
    first of which is the picture that the comparison uses."""
    batch = [
        networks.maker.picture(channels, size, size, 7 + i) for i in range(n)
    ]
    return torch.from_numpy(np.stack(batch)).float()
