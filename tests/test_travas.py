"""As travas: o que trazem, que o lançador as segue, e que um arquivo trocado no caminho não se instala."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import curso
import pytest
from ferramentas import atualizar, kit, pinos
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from test_curso import SEM_REDE, entrar, frase, maquina, pacote, raiz  # noqa: F401

LISTAS = (curso.PACOTES, curso.PACOTES_DOS_TESTES)
ALTERADO = (
    "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, "
    "please update the hashes. Otherwise, examine the package contents carefully; someone may have tampered with them.\n"
)


def travados(lista):
    """{pacote: (versão, quando serve, impressões)} do que a trava da lista diz."""
    blocos = pinos.blocos((pinos.RAIZ / curso.trava(lista)).read_text(encoding="utf-8"))
    lidos = [re.match(r"(\S+)==(\S+)(?: ; (.+?))? \\\n", bloco).groups() for bloco in blocos]
    return {nome: (versao, marca, set(re.findall(r"--hash=sha256:([0-9a-f]{64})\b", bloco)))
            for (nome, versao, marca), bloco in zip(lidos, blocos, strict=True)}


def pedidos(lista):
    return re.findall(r"^([\w-]+)==(\S+)$", (pinos.RAIZ / lista).read_text(encoding="utf-8"), re.MULTILINE)


# ---------------------------------------------------------------- o que as travas trazem


@pytest.mark.parametrize("lista", LISTAS)
def test_a_trava_tem_o_que_a_lista_pede_e_esta_em_dia(lista, capsys):
    da_trava = travados(lista)
    assert len(da_trava) == len({canonicalize_name(nome) for nome in da_trava}) > len(pedidos(lista)) >= 5
    for nome, versao in pedidos(lista):
        assert nome == "torch" or da_trava[nome][:2] == (versao, None)
    curso.conferir_travas([lista])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("lista", LISTAS)
def test_a_trava_nao_traz_o_torch_nem_a_placa_e_todo_o_resto_tem_impressao(lista):
    for nome, (_, _, impressoes) in travados(lista).items():
        assert impressoes and not pinos.FORA.match(nome), nome
    assert {"filelock", "sympy", "networkx", "jinja2", "fsspec", "setuptools"} <= travados(lista).keys()


def test_o_que_fica_de_fora_e_so_o_torch_e_o_que_e_da_placa():
    de_fora = ["torch==2.13.0", "triton==3.7.1", "nvidia-cublas==13.1.1.3", "cuda-toolkit==13.0.3"]
    assert [n for n in [*de_fora, "torchvision==1.0", "torch-geometric==2", "tritonclient==2", "cudax==1"] if pinos.FORA.match(n)] == de_fora


def test_as_duas_travas_nao_se_contradizem():
    de_quem_estuda, dos_testes = map(travados, LISTAS)
    assert {nome: dos_testes.get(nome, (None,))[0] for nome in de_quem_estuda} == {n: t[0] for n, t in de_quem_estuda.items()}


@pytest.mark.parametrize("lista", LISTAS)
def test_o_que_cada_pacote_pede_esta_na_trava(lista):
    """Pelo que os pacotes instalados aqui dizem que pedem, começando da lista."""
    da_trava, vistos = travados(lista), set()
    instalados = {canonicalize_name(d.name) for d in metadata.distributions()}
    fila = [(nome, frozenset()) for nome, _ in pedidos(lista)]
    while fila:
        nome, extras = fila.pop()
        if (nome, extras) in vistos or nome != "torch" and pinos.FORA.match(nome + "=="):
            continue
        vistos.add((nome, extras))
        assert nome == "torch" or nome in da_trava, f"{nome} não está em {curso.trava(lista)}"
        for pedido in map(Requirement, nome in instalados and metadata.requires(nome) or []):
            if not pedido.marker or any(pedido.marker.evaluate({"extra": extra}) for extra in (extras or {""})):
                fila.append((canonicalize_name(pedido.name), frozenset(pedido.extras)))
                versao = da_trava.get(fila[-1][0], (None,))[0]
                assert versao is None or pedido.specifier.contains(versao, prereleases=True), f"{nome} pede {pedido}, e a trava tem {versao}"
    assert len(vistos) > 60


def test_o_ambiente_que_o_lancador_fez_e_o_da_trava():
    guardadas = curso.ler_json(curso.carimbo())
    em_dia = {lista: curso.impressao((curso.RAIZ / lista).read_bytes() + (curso.RAIZ / curso.trava(lista)).read_bytes()) for lista in LISTAS}
    if Path(sys.prefix) != curso.AMBIENTE or not em_dia.items() <= guardadas.items():
        pytest.skip("este Python não é o do ambiente que o lançador instalou das travas de agora.")
    for nome, (versao, marca, _) in travados(curso.PACOTES_DOS_TESTES).items():
        assert marca and not Marker(marca).evaluate() or metadata.version(nome) == versao


@pytest.mark.lento
@pytest.mark.parametrize("lista", LISTAS)
def test_refazer_as_travas_da_as_mesmas(lista, tmp_path, monkeypatch):
    pytest.importorskip("uv", reason="teste que refaz as travas pulado: falta o uv; rode «python3 curso.py testes».")
    for arquivo in [n for nome in LISTAS for n in (nome, curso.trava(nome))]:
        (tmp_path / arquivo).parent.mkdir(exist_ok=True)
        shutil.copy(pinos.RAIZ / arquivo, tmp_path / arquivo)
    antes = travados(lista)
    monkeypatch.setattr(pinos, "RAIZ", tmp_path)
    rodar = subprocess.run

    def ouvir(*partes, **opcoes):
        feito = rodar(*partes, **opcoes, capture_output=True, text=True)
        if re.search(r"dns error|error sending request|[Ff]ailed to fetch|timed out", feito.stderr):
            pytest.skip("teste que refaz as travas pulado: o uv não alcança o índice.")
        assert feito.returncode == 0, feito.stderr
        return feito

    monkeypatch.setattr(pinos.subprocess, "run", ouvir)
    pinos.refazer()
    depois = travados(lista)
    assert {n: t[:2] for n, t in depois.items()} == {n: t[:2] for n, t in antes.items()}
    # Um pacote pode ganhar arquivos depois (para um Python novo), e não trocar os que tem.
    assert all(antes[nome][2] <= depois[nome][2] for nome in antes)


def test_os_pinos_so_se_refazem_quando_se_pede(monkeypatch):
    feitas = []
    monkeypatch.setattr(atualizar, "ETAPAS", {nome: lambda nome=nome: feitas.append(nome) for nome in atualizar.ETAPAS})
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    monkeypatch.setattr(sys, "argv", ["atualizar"])
    atualizar.main()
    assert feitas and "pinos" not in feitas
    monkeypatch.setattr(sys, "argv", ["atualizar", "pinos"])
    feitas.clear()
    atualizar.main()
    assert feitas == ["pinos"]


# ---------------------------------------------------------------- o lançador as segue


def test_a_ordem_e_o_torch_sozinho_depois_a_trava_e_por_fim_o_que_a_placa_pede(maquina, raiz):  # noqa: F811
    curso.preparar_ambiente(curso.PACOTES)
    torch, trava, placa = maquina.rodou("-m pip")
    assert "--no-deps" in torch and "--require-hashes" not in torch and torch.endswith(" torch==2.13.0")
    assert "--no-deps --require-hashes -r " in trava and trava.endswith(str(raiz / "requirements.lock")) and "torch==" not in trava
    assert "--no-deps" not in placa and "--require-hashes" not in placa and placa.endswith(" torch==2.13.0")
    assert all("--only-binary :all:" in linha for linha in (torch, trava, placa))


@pytest.mark.parametrize("sistema", ["linux", "darwin", "win32"])
def test_sem_o_indice_de_cpu_o_torch_vem_sozinho_do_indice_padrao(sistema, maquina, monkeypatch):  # noqa: F811
    monkeypatch.setattr(curso.sys, "platform", sistema)
    monkeypatch.setattr(curso.platform, "machine", lambda: "arm64")
    monkeypatch.setattr(curso, "tem_placa_nvidia", lambda: True)
    monkeypatch.setattr(curso, "conferir_disco", lambda: None)
    curso.preparar_ambiente(curso.PACOTES)
    torch, _, placa = maquina.rodou("-m pip")
    assert "--index-url" not in torch and "--no-deps torch==" in torch and "--no-deps" not in placa


@pytest.mark.parametrize("muda", LISTAS + tuple(map(curso.trava, LISTAS)))
def test_mudar_a_lista_ou_a_trava_instala_de_novo_no_mesmo_ambiente(muda, maquina, raiz):  # noqa: F811
    curso.preparar_ambiente(*LISTAS)
    maquina.rodados.clear()
    with open(raiz / muda, "ab") as arquivo:
        arquivo.write(b"# outra\n")
    curso.preparar_ambiente(*LISTAS)
    assert maquina.rodou("--require-hashes") and not maquina.rodou("-m venv")
    maquina.rodados.clear()
    curso.preparar_ambiente(*LISTAS)
    assert maquina.rodados == []


def test_o_ambiente_de_antes_das_travas_aproveita_se(maquina, raiz, capsys):  # noqa: F811
    curso.preparar_ambiente(curso.PACOTES)
    curso.gravar_json(curso.carimbo(), {curso.PACOTES: curso.impressao((raiz / curso.PACOTES).read_bytes()), "python": "3.11"})
    maquina.rodados.clear()
    curso.preparar_ambiente(curso.PACOTES)
    assert maquina.rodou("--require-hashes") and not maquina.rodou("-m venv")
    assert "refazendo" not in capsys.readouterr().out


@pytest.mark.parametrize("linha", ["tqdm==4.67.1", "pandas", "pandas>=2"])
def test_uma_lista_que_mudou_sem_a_trava_e_avisada_a_cada_vez(linha, maquina, raiz, capsys):  # noqa: F811
    with open(raiz / curso.PACOTES, "a", encoding="utf-8") as lista:
        lista.write(linha + "\n")
    for _ in range(2):
        curso.preparar_ambiente(curso.PACOTES)
        assert "requirements.txt mudou" in (dito := capsys.readouterr().out) and "atualizar pinos" in dito


@pytest.mark.parametrize("texto", ["torch\nnbval==0.11.0\n", "", "torch>=2\n", "\x00"])
def test_a_lista_sem_a_versao_do_torch_acaba_numa_frase(texto, maquina, raiz, capsys):  # noqa: F811
    (raiz / curso.PACOTES).write_text(texto, encoding="utf-16")
    assert entrar("aula") == 1
    assert "não diz a versão exata do torch" in frase(capsys)


def test_sem_a_trava_a_copia_do_curso_esta_incompleta(maquina, raiz, capsys):  # noqa: F811
    (raiz / curso.trava(curso.PACOTES)).unlink()
    assert entrar("aula") == 1
    assert "incompleta (falta " in (texto := frase(capsys)) and "requirements.lock" in texto
    assert maquina.rodados == []


# ---------------------------------------------------------------- um arquivo trocado no caminho


def test_um_arquivo_alterado_tem_a_sua_frase_depois_de_tentar_sem_o_que_o_pip_guardou(maquina, capsys):  # noqa: F811
    maquina.respostas["--require-hashes"] = (1, SEM_REDE + ALTERADO)
    assert entrar("aula") == 1
    texto = frase(capsys)
    assert "alterado ou cortado" in texto and "outra rede" in texto and texto.endswith("/issues")
    assert "confira a internet" not in texto
    primeira, segunda = maquina.rodou("--require-hashes")
    assert segunda == primeira + " --no-cache-dir"
    assert not curso.carimbo().exists()


def test_se_a_segunda_vez_da_certo_a_instalacao_segue(maquina):  # noqa: F811
    maquina.respostas = {"--no-cache-dir": (0, ""), "--require-hashes": (1, ALTERADO)}
    curso.preparar_ambiente(curso.PACOTES)
    assert curso.carimbo().exists()


def test_o_torch_alterado_nao_leva_ao_outro_indice(maquina, capsys):  # noqa: F811
    maquina.respostas["--index-url"] = (1, ALTERADO)
    assert entrar("aula") == 1
    assert "alterado" in frase(capsys) and not maquina.rodou("-r ")


def trava_de(pacotes, *linhas):
    impressoes = {p.name.partition("-")[0]: hashlib.sha256(p.read_bytes()).hexdigest() for p in pacotes.glob("*.whl")}
    return "".join(f"{nome}==1.0{marca} --hash=sha256:{impressoes[nome]}\n" for nome, marca in linhas)


def test_o_pip_de_verdade_recusa_o_arquivo_que_nao_e_o_da_trava(tmp_path):
    loja = tmp_path / "loja"
    loja.mkdir()
    pacote(loja, "um")
    (tmp_path / "t.lock").write_text(trava_de(loja, ("um", "")), encoding="utf-8")
    (arquivo,) = loja.iterdir()
    arquivo.write_bytes(arquivo.read_bytes().replace(b"Name: um", b"Name: Um"))
    pip = subprocess.run([sys.executable, "-m", "pip", "download", "--no-index", "--find-links", loja, "--dest", tmp_path / "aqui", "--no-deps",
                          "--require-hashes", *curso.OPCOES_DO_PIP, "-r", tmp_path / "t.lock"], capture_output=True, text=True)
    assert pip.returncode != 0 and curso.causa(pip.stdout + pip.stderr) == "alterado"
    assert not (tmp_path / "aqui" / arquivo.name).exists()


def test_do_kit_um_pacote_sem_impressao_que_vem_cortado_tambem_se_reconhece(tmp_path):
    pacote(tmp_path, "torch")
    (arquivo,) = tmp_path.iterdir()
    arquivo.write_bytes(arquivo.read_bytes()[:-30])
    pip = subprocess.run([sys.executable, "-m", "pip", "download", "--no-index", "--find-links", tmp_path, "--dest", tmp_path / "aqui", "--no-deps",
                          *curso.OPCOES_DO_PIP, "torch==1.0"], capture_output=True, text=True)
    assert pip.returncode != 0 and curso.causa(pip.stdout + pip.stderr) == "alterado"


@pytest.mark.parametrize(("sistema", "vem"), [("windows", {"base", "so_windows"}), ("linux-arm", {"base", "so_arm"})])
def test_de_uma_trava_so_cada_sistema_leva_o_seu(sistema, vem, tmp_path):
    loja = tmp_path / "loja"
    loja.mkdir()
    for nome in ("base", "so_windows", "so_arm"):
        pacote(loja, nome)
    marcas = ("base", ""), ("so_windows", " ; os_name == 'nt'"), ("so_arm", " ; platform_machine == 'aarch64'")
    (tmp_path / "t.lock").write_text(trava_de(loja, *marcas), encoding="utf-8")
    subprocess.run([sys.executable, pinos.RAIZ / "ferramentas" / "pip_para.py", sistema, "3.12", "download", "--no-index", "--find-links", loja,
                    "--dest", tmp_path / "aqui", "--no-deps", "--require-hashes", *curso.OPCOES_DO_PIP, "-r", tmp_path / "t.lock"], check=True, capture_output=True)
    assert {p.name.partition("-")[0] for p in (tmp_path / "aqui").iterdir()} == vem


# ---------------------------------------------------------------- o kit


@pytest.fixture
def baixar(raiz, tmp_path):  # noqa: F811
    def juntar(sistema):
        kit.juntar_pacotes(tmp_path, sistema, "3.12")

    return juntar


def test_o_kit_leva_o_torch_sozinho_e_o_resto_pela_trava(baixar, maquina, raiz):  # noqa: F811
    for sistema in curso.SISTEMAS_DO_KIT:
        maquina.rodados.clear()
        baixar(sistema)
        torch, trava = maquina.rodou(" download ")
        assert (curso.INDICE_DE_CPU in torch) == (sistema == "linux")
        assert "--no-deps" in torch and torch.endswith(" torch==2.13.0")
        assert trava.endswith(f"--no-deps --require-hashes -r {raiz / 'requirements.lock'}")


def test_sem_o_indice_de_cpu_o_kit_leva_tambem_as_bibliotecas_da_placa(baixar, maquina, capsys):  # noqa: F811
    maquina.respostas["--index-url"] = (1, SEM_REDE)
    baixar("linux")
    _, torch, trava = maquina.rodou(" download ")
    assert "--no-deps" not in torch and torch.endswith(" torch==2.13.0") and "--require-hashes" in trava
    assert "não respondeu" in capsys.readouterr().out


def test_o_kit_que_recebe_um_arquivo_alterado_diz(maquina, tmp_path, raiz, capsys):  # noqa: F811
    maquina.respostas[" download "] = (1, ALTERADO)
    assert entrar("kit", str(tmp_path / "kit"), "--para", "mac", "--python", "3.12") == 1
    assert "alterado ou cortado" in frase(capsys)
