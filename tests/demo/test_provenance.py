"""What is made of the texts that cameras, programs, generators and people leave in a file."""

import io
import json
import zlib
from pathlib import Path

import pytest
from PIL import Image
from speaking_files import TERMS, encoded, exif_with, png_with, said_by, xmp_with

from truthpixel_utils.demo import metadata
from truthpixel_utils.demo.origin import AI, CAMERA, LONGEST, PARTLY_AI
from truthpixel_utils.demo.uploads import describe_file

COMMENT, MAKER_NOTE, EXPOSURE = 37510, 37500, 33434  # tags of EXIF's photo directory
PARAMETERS = "a castle <b>at night</b>\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, Seed: 7"
PROMPT = json.dumps({"3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20}}})
WORKFLOW = json.dumps({"last_node_id": 3, "nodes": [{"type": "KSampler"}], "links": []})
LABEL = {"Label": "1", "ContentProducer": "001191110102MA01", "ProduceID": "x"}
UUID = "2ab1dd70-6a31-4c2f-8a02-1c5c7a6d6a11"


def origins(content):
    return {statement.origin for statement in said_by(content)} - {""}


def jpeg(photo=None, **tags):
    return encoded("JPEG", exif=exif_with(photo, **tags))


def comment(text, code=b"UNICODE\0", encoding="utf-16-be"):
    return jpeg({COMMENT: code + text.encode(encoding)})


def xmp(properties, namespaces="", kind="JPEG"):
    return encoded(kind, xmp=xmp_with(properties, namespaces))


def source_type(value):
    return xmp(f"<Iptc4xmpExt:DigitalSourceType>{value}</Iptc4xmpExt:DigitalSourceType>")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("term", "origin"),
    [
        ("trainedAlgorithmicMedia", AI),
        ("compositeWithTrainedAlgorithmicMedia", PARTLY_AI),
        ("digitalCapture", CAMERA),
        ("digitalCreation", ""),
    ],
)
def test_iptcs_digital_source_type_is_read_from_xmp(kind, term, origin):
    element = f"<Iptc4xmpExt:DigitalSourceType>{TERMS}{term}</Iptc4xmpExt:DigitalSourceType>"
    if kind == "PNG":
        content = png_with(**{"XML:com.adobe.xmp": xmp_with(element).decode()})
    else:
        content = xmp(element, kind=kind)
    [statement] = said_by(content)
    assert (statement.says, statement.origin) == (term, origin) and not statement.validated


@pytest.mark.parametrize(
    "properties",
    [
        "<Iptc4xmpExt:DigitalSourceType>{}</Iptc4xmpExt:DigitalSourceType>",
        '<Iptc4xmpExt:DigitalSourceType rdf:resource="{}"/>',
        "<Iptc4xmpExt:DigitalSourceType><rdf:Bag><rdf:li> {} </rdf:li></rdf:Bag>"
        "</Iptc4xmpExt:DigitalSourceType>",
        '<rdf:Description Iptc4xmpExt:DigitalSourceType="{}"/>',
        '<Iptc4xmpExt:DigitalSourceType><rdf:Description rdf:about="{}"/>'
        "</Iptc4xmpExt:DigitalSourceType>",
        '<any:digitalsourcetype xmlns:any="http://any.org/">{}</any:digitalsourcetype>',
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
        "https://cv.iptc.org/newscodes/digitalSourceType/TrainedAlgorithmicMedia/",
        "cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
        "digsrctype:trainedAlgorithmicMedia",
        "trainedAlgorithmicMedia",
        "Trained Algorithmic Media",
        "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia?lang=en-GB",
    ],
)
def test_every_spelling_of_the_source_type_is_understood(properties, value):
    assert origins(xmp(properties.format(value))) == {AI}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (PARAMETERS, "AUTOMATIC1111 or similar"),
        (PARAMETERS + ", Version: f2.0.1v1.10", "Forge"),
        ("a cat\nSteps: 20 | Seed: 1 | CFG scale: 6, App: SD.Next", "SD.Next"),
        (PARAMETERS + ', Civitai resources: [{"modelName": "x"}]', "Civitai"),
        (PROMPT, "ComfyUI"),
        (WORKFLOW, "ComfyUI"),
        (json.dumps({"mflux_version": "0.6", "prompt": "a puffin"}), "MFLUX"),
        (json.dumps({"sui_image_params": {"prompt": "cat", "seed": 1}}), "SwarmUI"),
        (json.dumps({"prompt": "a cat", "version": "Fooocus v2.5.0"}), "Fooocus"),
        (json.dumps({"prompt": "cat", "steps": 28, "sampler": "k_euler", "uc": "", "seed": 1}), ""),
        (json.dumps({"c": "a guitar", "sampler": "DDIM", "seed": 1, "scale": 7}), ""),
        (json.dumps({"prompt": "a cat", "model": "dall-e-3", "size": "1024x1024"}), "DALL·E"),
        (PROMPT[:-3] + ', "note": ' + "[" * 5000, "ComfyUI"),
        (PROMPT.replace("20", "NaN"), "ComfyUI"),
        (WORKFLOW[:-3], "ComfyUI"),
        ("{red|blue} cat\nSteps: 20, Sampler: Euler a", "AUTOMATIC1111 or similar"),
        (json.dumps({"resource-stack": {"class_type": "Loader"}}), "Civitai"),
        (
            json.dumps({"1": {}, "extraMetadata": '{"prompt": "a", "steps": 9, "seed": 1}'}),
            "Civitai",
        ),
        (f"a red fox --v 6.1 --ar 16:9 Job ID: {UUID}", "Midjourney"),
        ('"a cat" -s 50 -S 1234 -W 512 -H 512 -C 7.5 -A k_lms', "InvokeAI"),
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        lambda text: png_with(parameters=text),
        lambda text: png_with(Comment=text),
        lambda text: encoded("JPEG", comment=text.encode()),
        lambda text: comment(text),
        lambda text: comment(text, encoding="utf-16-le"),
        lambda text: comment(text, b"ASCII\0\0\0", "utf-8"),
        lambda text: comment(text, b"", "utf-8"),
        lambda text: encoded("WEBP", exif=exif_with({COMMENT: b"UNICODE\0" + text.encode()})),
        lambda text: jpeg(UserComment=b"UNICODE\0" + text.encode("utf-16-be")),
        lambda text: jpeg(ImageDescription=text),
    ],
    ids="PNG comment JPEG BE LE ASCII plain WebP IFD0 description".split(),
)
def test_what_a_generator_writes_is_known_by_its_structure(text, name, place):
    [statement] = said_by(place(text))
    assert statement.origin == AI and statement.by == name
    assert statement.says.startswith(text[:5]) and statement.standing == "easily added or removed"


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le", "utf-8"])
@pytest.mark.parametrize("words", ["猫の写真、夜", "кошка ночью", "고양이", "chat à l’été"])
def test_comments_are_quoted_in_their_own_script(encoding, words):
    for text in (f"{words}\nSteps: 20, Sampler: Euler a", f"{words}, Steps: 9, Sampler: DDIM"):
        [statement] = said_by(comment(text, encoding=encoding))
        assert statement.says == text.replace("\n", " ")


@pytest.mark.parametrize(
    "texts",
    [
        {"Software": "NovelAI", "Title": "AI generated image", "Source": "Stable Diffusion XL"},
        {"invokeai_metadata": "{}"},
        {"sd-metadata": "{}"},
        {"Dream": '"a cat" -s 50 -S 1234 -W 512 -H 512 -C 7.5 -A k_lms'},
        {"prompt": "a cat", "seed": "7", "num_inference_steps": "25", "guidance_scale": "7.5"},
        {"generation_data": '{"prompt": "cat"}'},
        {"parameters": '{"Prompt": "x", "steps": 30, "software": "RuinedFooocus"}'},
        {"AIGC": json.dumps(LABEL)},
        {"Comment": json.dumps({"AIGC": LABEL})},
        {"Software": "Draw Things"},
        {"Software": "ChatGPT"},
    ],
)
def test_generators_texts_in_a_png_are_told(texts):
    assert origins(png_with(**texts)) == {AI}


@pytest.mark.parametrize(
    ("software", "name"),
    [
        ("Midjourney v6", "Midjourney"),
        ("DALL·E 3", "DALL·E"),
        ("DALL-E", "DALL·E"),
        ("GPT-4o", "GPT image"),
        ("gpt-image-1", "GPT image"),
        ("Google Imagen 4", "Imagen"),
        ("Gemini 2.5 Flash Image (Nano Banana)", "Nano Banana"),
        ("Adobe Firefly 3", "Adobe Firefly"),
        ("Ideogram 2.0", "Ideogram"),
        ("FLUX.1 [dev]", "FLUX"),
        ("AI generated;img2img;flux", ""),
        ("Stable Diffusion XL", "Stable Diffusion"),
        ("Leonardo.Ai", "Leonardo.Ai"),
        ("Recraft V3", "Recraft"),
        ("Seedream 4.0", "Seedream"),
        ("即梦AI", "Jimeng"),
        ("Grok", "Grok"),
        ("Qwen-Image", "Qwen-Image"),
        ("Kling AI", "Kling"),
        ("Reve", "Reve"),
        ("Krea 1", "Krea"),
        ("qwen_image", "Qwen-Image"),
        ("niji 6", "Midjourney"),
        ("flux1-schnell", "FLUX"),
    ],
)
def test_a_generator_is_known_by_its_name_in_a_field_for_software(software, name):
    tool = f"<xmp:CreatorTool>{software}</xmp:CreatorTool>"
    for content in (jpeg(Software=software.encode()), png_with(Software=software), xmp(tool)):
        [statement] = said_by(content)
        assert (statement.origin, statement.by) == (AI, name)


@pytest.mark.parametrize(
    "software",
    [
        "GIMP 2.10",
        "Flux Capacitor camera app",
        "Flux Pro Camera",
        "Imagenomic Noiseware",
        "Centro de Imagen HP",
        "Editor de imagen 3 Pro",
        "Hawkeye Firefly 8SE",
        "Kendall Editor",
        "Aurora HDR 2019",
        "Topaz Gigapixel AI 6.1",
        "Luminar AI",
        "Gemini Telescope Control",
        "Kreative Suite",
        "XAI Toolbox 2",
        "Swift Playground v2",
        "Reverie Photo 2",
        "Adobe Photoshop 25.0",
    ],
)
def test_other_programs_with_like_names_are_no_generators(software):
    assert origins(jpeg(Software=software)) == origins(png_with(Software=software)) == set()


@pytest.mark.parametrize(
    "content",
    [
        png_with(prompt="$ "),
        png_with(prompt="What do you see? Describe your feelings.", seed="poppy"),
        png_with(prompt='{"role": "user", "content": "hello", "model": "x", "seed": 1}'),
        png_with(parameters="alpha=0.3; beta=2 (laboratory microscope run 12)"),
        png_with(parameters='{"exposure": 30, "steps": 5, "gain": 2}'),
        png_with(workflow='{"nodes": [{"type": "webhook"}], "connections": {}}'),
        png_with(workflow="scan, crop, print"),
        png_with(workflow='{"nodes": [{"id": 1}], "links": [{"source": 1, "target": 2}]}'),
        png_with(Comment="Steps: 12, Sampler: Akai MPC60"),
        jpeg(ImageDescription="Created by the Stability AI team at the Christmas party"),
        jpeg(ImageDescription="Made with AI in mind: our new office"),
        png_with(Comment='{"c": 0.5, "steps": 1000, "seed": 1, "model": "ising"}'),
        png_with(Comment='{"positive": "12 cases", "steps": 3, "model": "logit"}'),
        png_with(Comment='{"extraMetadata": "{\\"camera\\": 1}", "gain": 2}'),
        png_with(Comment='{"room": {"class_type": "yoga", "hours": 2}}'),
        png_with(Comment='{"prompt": "Describe it", "guidance": "be brief", "seed": 1}'),
        comment('{"prompt": "Describe the photograph", "model": "gpt-4o", "seed": 1}'),
        comment('{"prompt": "Describe the photograph", "model": "gemini-2.5-pro"}'),
        png_with(Comment="convert in.png --v 2 --seed 3"),
        jpeg(Make="Gemini", Model="Firefly 8"),
        jpeg(Make="Meta", Model="Ray-Ban Meta Smart Glasses", Software="Meta AI"),
        xmp("<photoshop:Credit>Edited in Luminar AI</photoshop:Credit>"),
        png_with(Software="Matplotlib version3.9.2, https://matplotlib.org/"),
        png_with(generation_data="solar plant, 4.2 MW"),
        png_with(Title="Midjourney", Author="Ideogram"),
        png_with(Description="A visit to the Stable Diffusion conference, with ComfyUI stickers"),
        png_with(Description="Dance class. Steps: 12, then rest"),
        png_with(Comment=f"Printed. Job ID: {UUID}"),
        jpeg(Artist="Ideogram", ImageDescription="Firefly"),
        jpeg(Artist=UUID, ImageDescription="Signature: me"),
        jpeg(Copyright="Leonardo AI Rossi"),
        comment("my Midjourney T-shirt"),
        xmp("<photoshop:Credit>Made by Ideogram</photoshop:Credit>"),
        xmp("<photoshop:Credit>Photo: Krea Klein</photoshop:Credit>"),
        xmp("<dc:title>DALL-E exhibition</dc:title><dc:creator>Reve</dc:creator>"),
        xmp("<dc:description>trainedAlgorithmicMedia explained</dc:description>"),
    ],
)
def test_innocent_texts_accuse_nobody(content):
    assert origins(content) == set()


@pytest.mark.parametrize(
    ("credit", "origin"),
    [
        ("Made with Google AI", AI),
        ("Edited with Google AI", PARTLY_AI),
        ("Generated by MFLUX", AI),
        ("Created using Midjourney", AI),
        ("Image generated with AI", AI),
        ("Imagined with AI", AI),
        ("Created with FLUX.1 [dev]", AI),
        ("Generated by Stable Diffusion XL, upscaled", AI),
        ("Created with Ideogram", AI),
    ],
)
def test_a_credit_says_with_what_a_picture_was_made(credit, origin):
    assert origins(xmp(f'<rdf:Description photoshop:Credit="{credit}"/>')) == {origin}
    assert origins(encoded("JPEG", **iptc({110: credit}))) == {origin}


def iptc(data_sets):
    """What makes Pillow save a JPEG with some data sets of IPTC's older records."""
    records = b"".join(
        b"\x1c\x02" + bytes([number]) + len(text).to_bytes(2, "big") + text.encode()
        for number, text in data_sets.items()
    )
    resource = b"8BIM\x04\x04\0\0" + len(records).to_bytes(4, "big") + records
    resource += b"\0" * (len(records) % 2)
    segment = b"Photoshop 3.0\0" + resource
    return {"extra": b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment}


@pytest.mark.parametrize(
    "data_sets",
    [
        {40: TERMS + "trainedAlgorithmicMedia"},
        {115: "digsrctype:trainedAlgorithmicMedia"},
        {120: f"a red fox --v 6.1 --ar 16:9 Job ID: {UUID}"},
        {65: "Midjourney"},
    ],
)
def test_iptcs_older_records_are_read(data_sets):
    assert origins(encoded("JPEG", **iptc(data_sets))) == {AI}


@pytest.mark.parametrize(
    "properties",
    [
        '<t:AIGC xmlns:t="http://www.tc260.org.cn/ns/AIGC/1.0/">{}</t:AIGC>',
        '<rdf:Description xmlns:T="http://www.tc260.org.cn/ns/AIGC/1.0/" T:AIGC="{}"/>',
        "<AIGC><![CDATA[{}]]></AIGC>",
    ],
)
def test_chinas_label_is_read(properties):
    for label, origin in (("1", {AI}), ("2", set()), ("3", set())):
        said = json.dumps(LABEL | {"Label": label}).replace('"', "&quot;")
        content = xmp(properties.format(said))
        assert origins(content) == origin
        assert "AI-generated" in said_by(content)[0].says


def test_chinas_label_is_read_wherever_it_stands():
    nested = json.dumps({"AIGC": json.dumps(LABEL)})
    for content in (
        comment(nested),
        comment(str({"AIGC": LABEL | {"Label": 1}})),
        encoded("JPEG", comment=nested.encode()),
        png_with(aigc=str(LABEL)),
        xmp(
            '<T:AIGC xmlns:T="t/"><rdf:Description><T:Label>1</T:Label></rdf:Description></T:AIGC>'
        ),
    ):
        assert origins(content) == {AI}


def raw_profile(content):
    return f"\nxmp\n{len(content):8}\n{content.hex()}\n"


def test_xmp_that_imagemagick_has_written_is_read():
    packet = xmp_with("<photoshop:Credit>Made with Google AI</photoshop:Credit>")
    assert origins(png_with(**{"Raw profile type xmp": raw_profile(packet)})) == {AI}
    assert origins(png_with(**{"Raw profile type xmp": "no digits"})) == set()


def test_a_source_type_counts_wherever_it_stands_alone():
    term = TERMS + "trainedAlgorithmicMedia"
    for content in (
        comment(term),
        png_with(Comment=term),
        png_with(**{"Digital Source Type": term}),
    ):
        assert origins(content) == {AI}
    broken = xmp(f"<dc:title>Salt & Pepper</dc:title><x:y>{term}</x:y>")
    assert origins(broken) == {AI}


def test_iptcs_fields_for_generators_are_read():
    for name in ("AISystemUsed", "AIPromptInformation"):
        assert origins(xmp(f"<Iptc4xmpExt:{name}>a fox</Iptc4xmpExt:{name}>")) == {AI}


def test_dall_es_exif_is_read():
    wide = b"UNICODE\0" + "DALL·E 3".encode("utf-16-be")
    assert origins(jpeg({MAKER_NOTE: wide})) == {AI}
    assert origins(jpeg({COMMENT: b'{"revised_prompt": "a red fox"}'})) == {AI}
    assert origins(jpeg({MAKER_NOTE: b"DALL-E 3", COMMENT: b"ASCII\0\0\0a red fox"})) == {AI}
    assert origins(jpeg({MAKER_NOTE: b"Nikon\0\x02\x10\0\0MM\0*", COMMENT: b"a fox"})) == set()


def test_a_step_of_editing_by_a_generator_made_a_part():
    step = (
        '<rdf:li rdf:parseType="Resource"><e:softwareAgent>Adobe Firefly</e:softwareAgent></rdf:li>'
    )
    history = f'<m:History xmlns:m="mm/" xmlns:e="e#"><rdf:Seq>{step}</rdf:Seq></m:History>'
    assert origins(xmp(history)) == {PARTLY_AI}


CAMERA_TAGS = {"Make": "NIKON CORPORATION", "Model": "NIKON Z 6"}


def test_a_camera_is_quoted_and_a_scanner_took_no_photograph():
    [statement] = said_by(jpeg({EXPOSURE: 0.01}, **CAMERA_TAGS))
    assert statement.origin == CAMERA and "NIKON Z 6" in statement.says
    assert said_by(jpeg(Make="EPSON", Model="Perfection V600")) == []


@pytest.mark.parametrize("prefix", ["prompt:", "Prompt: ", "workflow:", "Workflow: "])
@pytest.mark.parametrize("tag", ["Make", "Model", "ImageDescription"])
@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_comfyuis_exif_is_no_camera(prefix, tag, kind):
    text = prefix + (PROMPT if "rompt" in prefix else WORKFLOW)
    content = encoded(kind, exif=exif_with({EXPOSURE: 0.01}, **{tag: text}))
    [statement] = said_by(content)
    assert (statement.origin, statement.by) == (AI, "ComfyUI")
    assert "camera" not in described(content)


def described(content):
    opened = Image.open(io.BytesIO(content))
    return describe_file("a", content, opened, opened.size, metadata.entries(opened))


def test_a_camera_and_a_date_are_described():
    content = jpeg({36867: "2024:05:06 07:08:09"}, **CAMERA_TAGS)
    assert described(content)["camera"] == "NIKON CORPORATION NIKON Z 6"
    assert described(content)["date"] == "2024:05:06 07:08:09"
    assert "camera" not in described(jpeg(Make="Black Forest Labs", Model="flux-dev"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_plain_image_says_nothing(kind):
    assert said_by(encoded(kind)) == []


def test_an_upscaler_is_quoted_and_made_no_picture():
    [statement] = said_by(png_with(postprocessing="Postprocess upscale by: 4"))
    assert "upscale by: 4" in statement.says and not statement.made_by_ai


def test_a_long_text_is_shortened():
    [statement] = said_by(png_with(parameters="x" * 100_000 + "\nSteps: 20, Sampler: Euler"))
    assert len(statement.says) == LONGEST


def test_a_text_cannot_steer_the_terminal_that_shows_it():
    [statement] = said_by(png_with(Software="\x1b[31mred\x07\u202egnp.exe"))
    assert statement.says.isprintable() and "red" in statement.says


def test_text_behind_the_pixels_of_a_png_is_read():
    chunk = b"tEXtparameters\0a castle, Steps: 20, Sampler: Euler"
    length, check = (len(chunk) - 4).to_bytes(4, "big"), zlib.crc32(chunk).to_bytes(4, "big")
    plain, end = encoded("PNG")[:-12], encoded("PNG")[-12:]
    [found] = said_by(plain + length + chunk + check + end)
    assert "a castle" in found.says


def test_xmp_behind_the_pixels_of_a_png_is_read():
    packet = xmp_with("<photoshop:Credit>Made with Google AI</photoshop:Credit>")
    chunk = b"iTXtXML:com.adobe.xmp\0\0\0\0\0" + packet
    length, check = (len(chunk) - 4).to_bytes(4, "big"), zlib.crc32(chunk).to_bytes(4, "big")
    plain = encoded("PNG")
    assert origins(plain[:-12] + length + chunk + check + plain[-12:]) == {AI}


def test_credentials_kept_elsewhere_are_not_fetched():
    for address in ("http://localhost:9/x.c2pa", "https://localhost:9/x.c2pa"):
        link = f'xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{address}"'
        statements = said_by(xmp("", link))
        assert any("kept elsewhere; not fetched" in statement.says for statement in statements)


CASES = Path(__file__).resolve().parents[3] / "shared/cases"
SAY_NOTHING = {"innocent_parameters.png", "innocent_prompt.png", "sd_webui_extras_upscale.png"}
SAY_NOTHING |= {"iptc_algorithmicMedia.jpg", "iptc_virtualRecording.jpg"}
BY_CAMERA = {"iptc_computationalCapture.jpg", "changed_small.jpg", "comment_added.jpg"}
BY_CAMERA |= {"expired_small.jpg"}
IN_PART = {"iptc_compositeSynthetic.jpg", "compositeSynthetic.jpg"}


@pytest.mark.skipif(not CASES.is_dir(), reason="needs ../shared/cases, which is not here")
def test_every_case_that_people_have_reported_is_understood():
    said = {
        path.name: origins(path.read_bytes())
        for folder in ("c2pa", "metadata")
        for path in sorted((CASES / folder).iterdir())
    }
    expected = {name: {AI} for name in said}
    expected |= {name: set() for name in SAY_NOTHING}
    expected |= {name: {CAMERA} for name in BY_CAMERA}
    expected |= {name: {PARTLY_AI} for name in IN_PART}
    assert said == expected
    credentials = {path.name: said_by(path.read_bytes())[0] for path in (CASES / "c2pa").iterdir()}
    unchanged = {name for name, one in credentials.items() if one.validated}
    assert unchanged == {"compositeSynthetic.jpg", "expired_small.jpg", "gemini_original.png"}
    assert "has expired" in credentials["gemini_original.png"].says
    japanese = said_by((CASES / "metadata/a1111_ja.jpg").read_bytes())[0].says
    assert japanese == "猫の写真 Steps: 20, Sampler: Euler a"
