# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks of torchvision, transformers and MONAI."""
from torch import nn
from torch.nn import functional as F


class FirstOutput(nn.Module):
    """Returns one tensor of a network that returns several in a structure."""

    def __init__(self, network, key):
        super().__init__()
        self.network, self.key = network, key

    def forward(self, x):
        y = self.network(x)
        return y[self.key] if isinstance(self.key, (int, str)) else self.key(y)


def torchvision_network(name, classes):
    def make(size):
        from torchvision.models import segmentation

        network = getattr(segmentation, name)(
            weights=None, weights_backbone=None, num_classes=classes
        )
        return FirstOutput(network, "out")

    return make


class Enlarged(nn.Module):
    """Resizes the logits of a transformers network to its input's size, as
    users of the package do."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        y = self.network(pixel_values=x, return_dict=False)[0]
        return F.interpolate(y, size=x.shape[2:], mode="bilinear")


def segformer(classes):
    def make(side):
        from transformers import SegformerConfig
        from transformers import SegformerForSemanticSegmentation as Network

        return Enlarged(Network(SegformerConfig(num_labels=classes)))

    return make


def segformer_b0(side):
    """Returns SegFormer-B0 as it is published for ADE20K, with 150 classes of a
    quarter of the picture's size."""
    from transformers import SegformerConfig
    from transformers import SegformerForSemanticSegmentation as Network

    return FirstOutput(Network(SegformerConfig(num_labels=150)), "logits")


def mobilevit(classes, version):
    def make(side):
        import transformers as t

        if version == 1:
            config = t.MobileViTConfig(
                num_labels=classes, image_size=side, hidden_sizes=[64, 80, 96]
            )
            return Enlarged(t.MobileViTForSemanticSegmentation(config))
        config = t.MobileViTV2Config(
            num_labels=classes, image_size=side, width_multiplier=0.5
        )
        return Enlarged(t.MobileViTV2ForSemanticSegmentation(config))

    return make


def upernet(classes, backbone):
    def make(side):
        import transformers as t

        stages = ["stage1", "stage2", "stage3", "stage4"]
        if backbone == "swin":
            inner = t.SwinConfig(
                image_size=side,
                embed_dim=48,
                window_size=4,
                out_features=stages,
            )
        else:
            inner = t.ConvNextConfig(
                hidden_sizes=[24, 48, 96, 192],
                depths=[2, 2, 2, 2],
                out_features=stages,
            )
        config = t.UperNetConfig(
            backbone_config=inner, hidden_size=64, num_labels=classes
        )
        config.use_auxiliary_head = False
        return Enlarged(t.UperNetForSemanticSegmentation(config))

    return make


def dpt(classes):
    def make(side):
        import transformers as t

        config = t.DPTConfig(
            hidden_size=96,
            num_hidden_layers=4,
            num_attention_heads=4,
            intermediate_size=192,
            image_size=side,
            backbone_out_indices=[0, 1, 2, 3],
            neck_hidden_sizes=[16, 32, 64, 64],
            fusion_hidden_size=32,
            num_labels=classes,
            use_auxiliary_head=False,
        )
        return Enlarged(t.DPTForSemanticSegmentation(config))

    return make


def beit(classes):
    def make(side):
        import transformers as t

        config = t.BeitConfig(
            hidden_size=96,
            num_hidden_layers=4,
            num_attention_heads=4,
            intermediate_size=192,
            image_size=side,
            out_indices=[1, 2, 3, 4],
            num_labels=classes,
            use_auxiliary_head=False,
            use_relative_position_bias=True,
        )
        return Enlarged(t.BeitForSemanticSegmentation(config))

    return make


class Queries(nn.Module):
    """Joins the masks and classes of queries to a semantic mask, as the post-
    processing of MaskFormer and Mask2Former does."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        y = self.network(pixel_values=x)
        classes = y.class_queries_logits.softmax(-1)[..., :-1]
        masks = y.masks_queries_logits.sigmoid()
        masks = (classes.transpose(1, 2) @ masks.flatten(2)).unflatten(
            2, masks.shape[2:]
        )
        return F.interpolate(masks, size=x.shape[2:], mode="bilinear")


def mask_former(classes, version):
    def make(side):
        import transformers as t

        swin = t.SwinConfig(
            image_size=side,
            embed_dim=24,
            depths=[1, 1, 2, 1],
            num_heads=[2, 2, 4, 4],
            window_size=4,
            out_features=["stage1", "stage2", "stage3", "stage4"],
        )
        if version == 1:
            config = t.MaskFormerConfig(
                backbone_config=swin,
                num_labels=classes,
                fpn_feature_size=32,
                mask_feature_size=32,
            )
            return Queries(t.MaskFormerForInstanceSegmentation(config))
        config = t.Mask2FormerConfig(
            backbone_config=swin,
            num_labels=classes,
            feature_size=64,
            mask_feature_size=64,
            hidden_dim=64,
            encoder_layers=2,
            decoder_layers=3,
            num_queries=20,
            encoder_feedforward_dim=128,
            dim_feedforward=128,
        )
        return Queries(t.Mask2FormerForUniversalSegmentation(config))

    return make


def monai_network(name, classes):
    def make(side):
        from monai.networks import nets

        plain = {"spatial_dims": 2, "in_channels": 3, "out_channels": classes}
        widths = {"channels": (16, 32, 64, 96), "strides": (2, 2, 2)}
        if name == "UNet":
            return nets.UNet(**plain, **widths, num_res_units=2)
        if name == "AttentionUnet":
            return nets.AttentionUnet(**plain, **widths)
        if name == "SwinUNETR":
            return nets.SwinUNETR(
                3, classes, spatial_dims=2, feature_size=12, norm_name="batch"
            )
        if name == "UNETR":
            return nets.UNETR(
                3,
                classes,
                (side, side),
                feature_size=8,
                hidden_size=96,
                mlp_dim=192,
                num_heads=4,
                spatial_dims=2,
            )
        if name == "BasicUNetPlusPlus":
            plain["features"] = (16, 16, 32, 48, 64, 16)
            return FirstOutput(nets.BasicUNetPlusPlus(**plain), 0)
        if name == "DynUNet":
            return nets.DynUNet(
                **plain,
                kernel_size=[3] * 4,
                strides=[1, 2, 2, 2],
                upsample_kernel_size=[2] * 3,
                filters=[16, 32, 48, 64],
            )
        if name == "VNet":
            return nets.VNet(**plain)
        return getattr(nets, name)(**plain)

    return make


def networks(classes):
    """Returns a dictionary of names and functions of the picture's side."""
    found = {
        "torchvision-" + name: torchvision_network(name, classes)
        for name in (
            "lraspp_mobilenet_v3_large",
            "deeplabv3_mobilenet_v3_large",
            "fcn_resnet50",
            "deeplabv3_resnet50",
        )
    }
    found.update(
        {
            "transformers-segformer": segformer(classes),
            "transformers-segformer_b0_512": segformer_b0,
            "transformers-mobilevit": mobilevit(classes, 1),
            "transformers-mobilevitv2": mobilevit(classes, 2),
            "transformers-upernet-swin": upernet(classes, "swin"),
            "transformers-upernet-convnext": upernet(classes, "convnext"),
            "transformers-dpt": dpt(classes),
            "transformers-beit": beit(classes),
            "transformers-maskformer": mask_former(classes, 1),
            "transformers-mask2former": mask_former(classes, 2),
        }
    )
    for name in (
        "UNet AttentionUnet SwinUNETR UNETR BasicUNetPlusPlus DynUNet VNet "
        "SegResNet"
    ).split():
        found["monai-" + name.lower()] = monai_network(name, classes)
    return found
